import { defineScript } from '../redis-script.js'

/**
 * Drops the control block of a namespace, iff its epoch still is the one named: whatever was stored under it is dead,
 * and the next OPEN or BUMP begins a new epoch and announces it.
 *
 * ```
 * KEYS    n
 * ARGV    1 epoch
 * Result  1 ended | 0 it was another epoch
 * ```
 */
export const END_EPOCH = defineScript(
  'END_EPOCH',
  `
if redis.call('HGET', KEYS[1], '!e') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
)
