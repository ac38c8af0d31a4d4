import { defineScript } from '../redis-script.js'
import { STORED_ENTRY } from './stored-entry.js'

/**
 * Stores what a fill brought, iff the fill still holds the lease. A lease that is gone refuses as one of another fill
 * does: an invalidation deletes it. The store comes first: a full server refuses the first write of a script only.
 *
 * ```
 * KEYS    d l m
 * ARGV    1 token  2 envelope  3 keepMs  4 source version or ''
 * Result  1 stored | 0 fenced | -1 the marker asks for a newer source version
 * ```
 */
export const COMMIT = defineScript(
  'COMMIT',
  `${STORED_ENTRY}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local superseded = isSuperseded(KEYS[3], ARGV[4])
if not superseded then storeEntry(KEYS[1], ARGV[2], ARGV[3]) end
redis.call('DEL', KEYS[2])
return superseded and -1 or 1
`,
)
