import { MAX_SOFT_RUNS } from '../../core/soft-clocks.js'
import { defineScript } from '../redis-script.js'
import { CONTROL_BLOCK } from './control-block.js'
import { LOG_ROWS } from './log-rows.js'

/** Fields that one bump looks at for pruning: the hash shrinks as fast as it grows once its tags are old. */
const PRUNE_SAMPLE = 4

/**
 * An invalidation by tags or of the whole namespace: moves the clock, marks the tags or the floor, appends to the log. A
 * tag's soft clocks are all kept, as the text of `core/soft-clocks.ts`; of too many, the two closest become one.
 * Tag clocks older than the horizon are dropped a few at a time; `!p` keeps the highest one dropped, so that an entry
 * older than that is dead even to a process that announced a shorter horizon.
 *
 * ```
 * KEYS    n b g
 * ARGV    1 epoch if the block is missing  2 generation if the log is missing  3 maxRows  4 horizonMs
 *         5 payload of the announcement up to the epoch  6 payload of this invalidation up to the epoch
 *         7 '1' = raise the floor  8… fields of tags: t<tag> hard, s<tag> soft
 * Result  {epoch, clock, generation, id}
 * ```
 */
export const BUMP = defineScript(
  'BUMP',
  `${LOG_ROWS}${CONTROL_BLOCK}
local function withSoft(known, clock)
  local runs = {}
  for run in string.gmatch(known or '', '%S+') do runs[#runs + 1] = run end
  runs[#runs + 1] = clock
  if #runs <= ${MAX_SOFT_RUNS} then return table.concat(runs, ' ') end
  local closest, least
  for i = 2, #runs do
    local gap = tonumber(string.match(runs[i], '^%d+')) - tonumber(string.match(runs[i - 1], '%d+$'))
    if not least or gap < least then closest, least = i, gap end
  end
  local last = string.match(table.remove(runs, closest), '%d+$')
  runs[closest - 1] = string.match(runs[closest - 1], '^%d+') .. '-' .. last
  return table.concat(runs, ' ')
end
local n = KEYS[1]
local generation = openLog(KEYS[2], KEYS[3], ARGV[3], ARGV[2])
local epoch, horizon = openControl()
local now = timeUs()
local clock = text(math.max(now, tonumber(redis.call('HGET', n, '!v')) + 1))
redis.call('HSET', n, '!v', clock)
if ARGV[7] == '1' then redis.call('HSET', n, '!f', clock) end
for i = 8, #ARGV do
  local isSoft = string.sub(ARGV[i], 1, 1) == 's'
  redis.call('HSET', n, ARGV[i], isSoft and withSoft(redis.call('HGET', n, ARGV[i]), clock) or clock)
end
if #ARGV >= 8 then
  local old = now - horizon * 1000
  local pruned = tonumber(redis.call('HGET', n, '!p') or '0')
  local sample = redis.call('HRANDFIELD', n, ${PRUNE_SAMPLE}, 'WITHVALUES')
  for i = 1, #sample, 2 do
    local at = tonumber(string.match(sample[i + 1], '%d+$'))
    if at and string.sub(sample[i], 1, 1) ~= '!' and at < old then
      redis.call('HDEL', n, sample[i])
      pruned = math.max(pruned, at)
    end
  end
  if pruned > 0 then redis.call('HSET', n, '!p', text(pruned)) end
end
local id = appendRow(KEYS[2], ARGV[6] .. ',"' .. epoch .. '",' .. clock .. ']')
return {epoch, clock, generation, id}
`,
)
