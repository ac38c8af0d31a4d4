import { FAILURE_MARK } from '../../core/lease-token.js'
import { defineScript } from '../redis-script.js'

/**
 * Ends a lease, iff it still is ours, and leaves for a moment how the fill failed, for those who wait for it.
 *
 * ```
 * KEYS    l
 * ARGV    1 token  2 code of the failure  3 keepMs
 * Result  1 told | 0 it was not ours any more
 * ```
 */
export const FAIL = defineScript(
  'FAIL',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], '${FAILURE_MARK}' .. ARGV[2], 'PX', ARGV[3])
return 1
`,
)
