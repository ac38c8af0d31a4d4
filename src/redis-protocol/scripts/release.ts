import { defineScript } from '../redis-script.js'

/**
 * Ends a lease, iff it still is ours.
 *
 * ```
 * KEYS    l
 * ARGV    1 token
 * Result  1 ended | 0 it was not ours any more
 * ```
 */
export const RELEASE = defineScript(
  'RELEASE',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
)
