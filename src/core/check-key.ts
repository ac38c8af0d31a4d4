import { InvalidOptionError } from './errors.js'
import type { Key } from './ports/local-tier.js'
import { canonicalKey, MAX_READABLE_KEY_LENGTH } from './stored-key.js'

export const MAX_KEY_LENGTH = 8192

/**
 * The form in which the tiers know a key. Text of up to 200 characters, the usual case, is passed through.
 *
 * @throws InvalidOptionError `INVALID_KEY`
 */
export function checkKey(key: unknown): Key {
  if (typeof key === 'string' && key.length <= MAX_READABLE_KEY_LENGTH) return key
  if (typeof key === 'number' && Number.isSafeInteger(key)) return key
  if (typeof key !== 'string' || key.length > MAX_KEY_LENGTH) {
    const rule = `must be text of at most ${MAX_KEY_LENGTH} characters, or a safe integer`
    throw new InvalidOptionError({ field: 'key', value: key, rule, code: 'INVALID_KEY' })
  }
  return canonicalKey(key)
}
