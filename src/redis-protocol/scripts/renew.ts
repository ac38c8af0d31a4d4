import { defineScript } from '../redis-script.js'

/**
 * Extends a lease, iff it still is ours.
 *
 * ```
 * KEYS    l
 * ARGV    1 token  2 leaseMs
 * Result  1 extended | 0 lost
 * ```
 */
export const RENEW = defineScript(
  'RENEW',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`,
)
