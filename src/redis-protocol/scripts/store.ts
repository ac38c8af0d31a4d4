import { defineScript } from '../redis-script.js'
import { STORED_ENTRY } from './stored-entry.js'

/**
 * A direct set: stores whatever anyone is filling, and ends that fill's lease so that it cannot overwrite.
 *
 * ```
 * KEYS    d l m
 * ARGV    1 envelope  2 keepMs  3 source version or ''
 * Result  1 stored | -1 the marker asks for a newer source version; nothing was changed
 * ```
 */
export const STORE = defineScript(
  'STORE',
  `${STORED_ENTRY}
if isSuperseded(KEYS[3], ARGV[3]) then return -1 end
redis.call('DEL', KEYS[2])
storeEntry(KEYS[1], ARGV[1], ARGV[2])
return 1
`,
)
