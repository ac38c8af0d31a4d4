import { FAILURE_MARK } from '../../core/lease-token.js'
import { defineScript } from '../redis-script.js'
import { STORED_ENTRY } from './stored-entry.js'

/**
 * The lease for one fill, unless the entry is there by now: the recheck and the lease are one step. What a failed fill
 * left in the lease key is no lease.
 *
 * ```
 * KEYS    d l m
 * ARGV    1 token  2 leaseMs  3 fill id of an entry that must not be handed back, or ''
 *         4 '1' = take the lease whatever is there
 * Result  {1, envelope} | {2, marker or nil}: the lease is ours | {0, remainingMs, token}: another fill has it
 * ```
 */
export const ACQUIRE = defineScript(
  'ACQUIRE',
  `${STORED_ENTRY}
if ARGV[4] ~= '1' then
  local header = headerOf(KEYS[1])
  if header and fillIdOf(header) ~= ARGV[3] then return {1, redis.call('GET', KEYS[1])} end
  local holder = redis.call('GET', KEYS[2])
  if holder and holder ~= ARGV[1] and string.sub(holder, 1, 1) ~= '${FAILURE_MARK}' then
    return {0, redis.call('PTTL', KEYS[2]), holder}
  end
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {2, redis.call('GET', KEYS[3])}
`,
)
