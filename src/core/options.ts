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
