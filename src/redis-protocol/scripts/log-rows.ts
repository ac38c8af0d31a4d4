/**
 * Lua functions over the log of a shard, for scripts that begin with them.
 *
 * - `openLog(b, g, maxRows, fresh)`: the log's generation; to be called first. Old rows go before anything is added, which
 *   also lets an invalidation through where the server is full: Redis refuses what takes memory only as a script's first
 *   write. Few bytes: the log keeps about `maxRows`. A log that is missing, for whatever reason, begins anew with the
 *   generation `fresh` and a row that names it: while nothing was lost it is never empty, so that whoever follows it
 *   always has a row to ask for.
 * - `appendRow(b, payload)`: appends and publishes; answers the row's id.
 */
export const LOG_ROWS = `
local function openLog(b, g, maxRows, fresh)
  redis.call('XTRIM', b, 'MAXLEN', '~', maxRows)
  local generation = redis.call('GET', g)
  if generation and redis.call('EXISTS', b) == 1 then return generation end
  redis.call('SET', g, fresh)
  redis.call('XADD', b, '*', 'p', '["g","' .. fresh .. '"]')
  return fresh
end
local function appendRow(b, payload)
  local id = redis.call('XADD', b, '*', 'p', payload)
  redis.call('PUBLISH', b, id .. ' ' .. payload)
  return id
end
`
