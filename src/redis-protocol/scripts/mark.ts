import { defineScript } from '../redis-script.js'

/**
 * Leaves the marker of an invalidation: the least source version that may be stored for a while. It only rises, and
 * never lives shorter than it would have. Decimal text: shorter is smaller.
 *
 * ```
 * KEYS    m
 * ARGV    1 source version, '0' for any  2 keepMs
 * Result  1
 * ```
 */
export const MARK = defineScript(
  'MARK',
  `
local version, keepMs = ARGV[1], tonumber(ARGV[2])
local known = redis.call('GET', KEYS[1])
if known and (#known > #version or (#known == #version and known > version)) then version = known end
keepMs = math.max(keepMs, redis.call('PTTL', KEYS[1]))
redis.call('SET', KEYS[1], version, 'PX', string.format('%.0f', keepMs))
return 1
`,
)
