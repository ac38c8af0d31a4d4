import { describe, InvalidOptionError } from './errors.js'

/** Refuses what is no plain object of options, and fields that nobody reads, with the nearest name that exists. */
export function checkFields(value: unknown, allowed: readonly string[], path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError({ field: path, value, rule: 'must be an object of options' })
  }
  for (const field of Object.keys(value)) {
    if (allowed.includes(field)) continue
    const near = allowed.find((name) => name.toLowerCase().startsWith(field.toLowerCase().slice(0, 3)))
    const hint = near ? `did you mean '${near}'?` : `allowed are ${allowed.join(', ')}`
    throw new InvalidOptionError({
      field: `${path}.${field}`,
      value: (value as Record<string, unknown>)[field],
      rule: `is no option (${hint})`,
    })
  }
  return value as Record<string, unknown>
}

/** Refuses anything but one of the listed texts. */
export function checkOneOf<const T extends string>(value: unknown, allowed: readonly T[], field: string): T {
  if (allowed.includes(value as T)) return value as T
  throw new InvalidOptionError({ field, value, rule: `must be ${allowed.map((name) => describe(name)).join(' or ')}` })
}

/** Refuses what is no AbortSignal; none is fine. */
export function checkSignal(value: unknown, field: string): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value
  throw new InvalidOptionError({ field, value, rule: 'must be an AbortSignal' })
}

/** Most keys, entries or values that one call may name. */
export const MAX_BATCH = 10_000

/** What a batch names, each once. Text is refused: it would be taken apart into characters. */
export function checkItems<T>(value: Iterable<T>, field: string): T[] {
  if (typeof value === 'object' && value !== null && Symbol.iterator in value) {
    return checkBatch([...new Set(value)], field)
  }
  throw new InvalidOptionError({ field, value, rule: 'must be an array or another iterable' })
}

/** Pairs, each an array of two. */
export function checkPairs<A, B>(value: unknown, field: string): (readonly [A, B])[] {
  const items =
    typeof value === 'object' && value !== null && Symbol.iterator in value ? [...(value as [A, B][])] : undefined
  const wrong = items?.findIndex((item) => !Array.isArray(item) || item.length !== 2)
  if (items !== undefined && wrong === -1) return checkBatch(items, field)
  throw new InvalidOptionError({
    field: wrong === undefined ? field : `${field}[${wrong}]`,
    value: wrong === undefined ? value : items?.[wrong],
    rule:
      wrong === undefined
        ? 'must be a Map, or an array or another iterable of pairs'
        : 'must be a pair: an array of two',
  })
}

function checkBatch<T>(items: T[], field: string): T[] {
  if (items.length <= MAX_BATCH) return items
  throw new InvalidOptionError({ field, value: items, rule: `must name at most ${MAX_BATCH}; split it` })
}

/** Refuses an object that lacks one of a port's methods. */
export function checkMethods(value: unknown, methods: readonly string[], field: string): void {
  const has = (name: string): boolean => typeof (value as Record<string, unknown> | null)?.[name] === 'function'
  if (typeof value === 'object' && methods.every(has)) return
  throw new InvalidOptionError({ field, value, rule: `must be an object with the methods ${methods.join(', ')}` })
}
