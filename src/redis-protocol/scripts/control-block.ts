/**
 * Shortest life of a control block. It must outlive the entries whose clocks it holds; when it is lost all of them are
 * dead. A namespace that nobody fills or invalidates for so long has none worth keeping.
 */
export const MIN_LIFE_MS = 7 * 86_400_000

/**
 * Lua functions over the control block of a namespace, for scripts that begin with `LOG_ROWS` and them, and with
 *
 * ```
 * KEYS    n b g
 * ARGV    1 epoch if the block is missing  2 generation if the log is missing  3 maxRows  4 horizonMs
 *         5 payload of the announcement up to the epoch
 * ```
 *
 * - `timeUs()`: the server's time in microseconds.
 * - `text(number)`: a whole number up to 2^53 in digits.
 * - `openControl()`: epoch and horizon. A block that is missing is made with a new epoch and told in the log as a
 *   clear. The horizon `!h` (the longest life of an entry that any process has named, in milliseconds) only grows. The
 *   block's life is renewed: at least twice the horizon, set to four times so that most calls write nothing.
 */
export const CONTROL_BLOCK = `
local function text(number) return string.format('%.0f', number) end
local function timeUs()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function openControl()
  local n, horizonMs = KEYS[1], tonumber(ARGV[4])
  local epoch = redis.call('HGET', n, '!e')
  if not epoch then
    epoch = ARGV[1]
    local clock = text(timeUs())
    redis.call('DEL', n)
    redis.call('HSET', n, '!e', epoch, '!v', clock)
    openLog(KEYS[2], KEYS[3], ARGV[3], ARGV[2])
    appendRow(KEYS[2], ARGV[5] .. ',"' .. epoch .. '",' .. clock .. ']')
  end
  local horizon = tonumber(redis.call('HGET', n, '!h') or '0')
  if horizonMs > horizon then
    horizon = horizonMs
    redis.call('HSET', n, '!h', text(horizon))
  end
  local needed = math.max(2 * horizon, ${MIN_LIFE_MS})
  if redis.call('PTTL', n) < needed then redis.call('PEXPIRE', n, text(2 * needed)) end
  return epoch, horizon
end
`
