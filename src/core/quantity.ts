import { MAX_DURATION_MS } from './envelope.js'
import { InvalidOptionError } from './errors.js'

/** A duration as text: `'250ms'`, `'60s'`, `'5m'`, `'24h'`, `'7d'`. Fractions are allowed: `'1.5s'`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** A size: a number of bytes, or text: `'512kb'`, `'64mb'`, `'2gb'` (powers of 1024). */
export type Size = number | `${number}${'b' | 'kb' | 'mb' | 'gb' | 'tb'}`

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const BYTES = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4 } as const

/** Longest duration a policy may ask for. */
export const MAX_DURATION = { text: '730d', ms: 730 * MS.d } as const
if (MAX_DURATION.ms > MAX_DURATION_MS) throw new Error('the longest duration must fit the envelope')

/** Milliseconds of a duration. Bare numbers are refused, because nobody can tell their unit. */
export function parseDuration(value: unknown, field: string): number {
  if (typeof value === 'number') {
    throw new InvalidOptionError({
      field,
      value,
      rule:
        Number.isFinite(value) && value >= 0
          ? `must be text with a unit, such as '${value}ms' or '${value}s'`
          : "must be a duration such as '250ms', '60s', '5m', '24h' or '7d'",
    })
  }
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null
  if (!match) {
    throw new InvalidOptionError({
      field,
      value,
      rule: "must be a duration such as '250ms', '60s', '5m', '24h' or '7d'",
    })
  }
  const ms = Number(match[1]) * MS[match[2] as keyof typeof MS]
  if (ms > MAX_DURATION.ms) {
    throw new InvalidOptionError({ field, value, rule: `must be at most '${MAX_DURATION.text}'` })
  }
  return ms
}

/** As `parseDuration`, for a duration that must not be zero. */
export function parsePositiveDuration(value: unknown, field: string): number {
  const ms = parseDuration(value, field)
  if (ms === 0) throw new InvalidOptionError({ field, value, rule: 'must be longer than zero' })
  return ms
}

/** A number of milliseconds from a field whose name ends in `Ms`. */
export function parseMs(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || value > MAX_DURATION.ms) {
    throw new InvalidOptionError({ field, value, rule: 'must be a number of milliseconds, 0 or more' })
  }
  return value
}

/** Bytes of a size above zero. */
export function parseBytes(value: unknown, field: string): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(b|kb|mb|gb|tb)$/i.exec(value) : null
  const bytes = match ? Number(match[1]) * BYTES[match[2]!.toLowerCase() as keyof typeof BYTES] : value
  if (typeof bytes !== 'number' || !Number.isFinite(bytes) || bytes < 1) {
    throw new InvalidOptionError({
      field,
      value,
      rule: "must be a number of bytes above 0, or text such as '512kb', '64mb' or '2gb'",
    })
  }
  return Math.floor(bytes)
}

/** A whole number from 1 up. */
export function parseCount(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidOptionError({ field, value, rule: 'must be a whole number, 1 or more' })
  }
  return value
}
