import { InvalidOptionError } from '../core/errors.js'

const MAX_LENGTH = 100

/** Checks what stands in front of every key. Braces would change which keys lie together on Cluster. */
export function checkPrefix(prefix: unknown, field: string): string {
  if (typeof prefix === 'string' && prefix.length <= MAX_LENGTH && /^[^\s{}\p{Cc}\p{Cs}]*$/u.test(prefix)) return prefix
  throw new InvalidOptionError({
    field,
    value: prefix,
    rule: `must be text of at most ${MAX_LENGTH} characters without braces, spaces or control characters`,
  })
}
