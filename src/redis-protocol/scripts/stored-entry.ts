import {
  ENVELOPE_FORMAT,
  FILL_ID_LENGTH,
  FILL_ID_OFFSET,
  HEADER_LENGTH,
  STALE_MS_LENGTH,
  STALE_MS_OFFSET,
  STORED_AT_LENGTH,
  STORED_AT_OFFSET,
} from '../../core/envelope.js'

/**
 * Lua functions over the data key, for scripts that begin with them. Offsets are those of `core/envelope.ts`.
 *
 * - `headerOf(d)`: the header, or nil for a key that is absent, of another type, or no envelope of this format.
 * - `fillIdOf(header)`, `staleMsOf(header)` (nil if it is no number).
 * - `storeEntry(d, envelope, keepMs)`: stores whatever was there before, stamped with the server's time.
 * - `isSuperseded(m, version)`: whether the marker asks for a newer source version. Decimal text: shorter is smaller.
 */
export const STORED_ENTRY = `
local function headerOf(d)
  local header = redis.pcall('GETRANGE', d, 0, ${HEADER_LENGTH - 1})
  if type(header) == 'string' and #header == ${HEADER_LENGTH} and string.sub(header, 1, 1) == '${ENVELOPE_FORMAT}' then
    return header
  end
  return nil
end
local function fillIdOf(header)
  return string.sub(header, ${FILL_ID_OFFSET + 1}, ${FILL_ID_OFFSET + FILL_ID_LENGTH})
end
local function staleMsOf(header)
  return tonumber(string.sub(header, ${STALE_MS_OFFSET + 1}, ${STALE_MS_OFFSET + STALE_MS_LENGTH}), 16)
end
local function storeEntry(d, envelope, keepMs)
  redis.call('SET', d, envelope, 'PX', keepMs)
  local time = redis.call('TIME')
  local storedAt = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('SETRANGE', d, ${STORED_AT_OFFSET}, string.format('%0${STORED_AT_LENGTH}x', storedAt))
end
local function isSuperseded(m, version)
  if version == '' then return false end
  local marker = redis.call('GET', m)
  return marker and (#version < #marker or (#version == #marker and version < marker))
end
`
