/**
 * Lua functions over the log of a shard, for scripts that begin with them.
 *
 * - `openLog(b, g, fresh)`: the log's generation. A log that is missing, for whatever reason, begins anew with the
 *   generation `fresh` and a row that names it: while nothing was lost it is never empty, so that whoever follows it
 *   always has a row to ask for.
 * - `appendRow(b, maxRows, payload)`: appends and publishes; answers the row's id.
 */
export const LOG_ROWS = `
local function openLog(b, g, fresh)
  local generation = redis.call('GET', g)
  if generation and redis.call('EXISTS', b) == 1 then return generation end
  redis.call('SET', g, fresh)
  redis.call('XADD', b, '*', 'p', '["g","' .. fresh .. '"]')
  return fresh
end
local function appendRow(b, maxRows, payload)
  local id = redis.call('XADD', b, 'MAXLEN', '~', maxRows, '*', 'p', payload)
  redis.call('PUBLISH', b, id .. ' ' .. payload)
  return id
end
`
