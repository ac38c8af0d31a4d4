import {
  FRESH_MS_LENGTH,
  FRESH_MS_OFFSET,
  SOFT_FLAG_OFFSET,
  STORED_AT_LENGTH,
  STORED_AT_OFFSET,
} from '../../core/envelope.js'
import { defineScript } from '../redis-script.js'
import { STORED_ENTRY } from './stored-entry.js'

/**
 * A soft invalidation: the entry is marked, is stale from now on, and lives on for its stale window, never longer than
 * it had; one without a window, or what is no entry, goes. The lease always goes. (PEXPIRE … LT would need Redis 7.)
 *
 * ```
 * KEYS    d l
 * Result  1 something was there | 0 nothing was
 * ```
 */
export const SOFTEN = defineScript(
  'SOFTEN',
  `${STORED_ENTRY}
redis.call('DEL', KEYS[2])
local header = headerOf(KEYS[1])
local staleMs = header and staleMsOf(header)
if not staleMs or staleMs == 0 then return redis.call('UNLINK', KEYS[1]) end
redis.call('SETRANGE', KEYS[1], ${SOFT_FLAG_OFFSET}, 's')
local storedAt = tonumber(string.sub(header, ${STORED_AT_OFFSET + 1}, ${STORED_AT_OFFSET + STORED_AT_LENGTH}), 16)
local fresh = tonumber(string.sub(header, ${FRESH_MS_OFFSET + 1}, ${FRESH_MS_OFFSET + FRESH_MS_LENGTH}), 16)
if storedAt and fresh then
  local time = redis.call('TIME')
  local age = math.max(0, time[1] * 1000 + math.floor(time[2] / 1000) - storedAt)
  redis.call('SETRANGE', KEYS[1], ${FRESH_MS_OFFSET}, string.format('%0${FRESH_MS_LENGTH}x', math.min(fresh, age)))
end
local remainingMs = redis.call('PTTL', KEYS[1])
if remainingMs < 0 or remainingMs > staleMs then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', staleMs))
end
return 1
`,
)
