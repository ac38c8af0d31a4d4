import { defineScript } from '../redis-script.js'
import { CONTROL_BLOCK } from './control-block.js'
import { LOG_ROWS } from './log-rows.js'

/**
 * The control block as a fill reads it: made if it is missing, its life renewed.
 *
 * ```
 * KEYS    n b g
 * ARGV    1 epoch if the block is missing  2 generation if the log is missing  3 maxRows  4 horizonMs
 *         5 payload of the announcement up to the epoch  6… fields of tags
 * Result  {!e, !v, !f, !p, value of each field of 6…}
 * ```
 */
export const OPEN = defineScript(
  'OPEN',
  `${LOG_ROWS}${CONTROL_BLOCK}
openControl()
return redis.call('HMGET', KEYS[1], '!e', '!v', '!f', '!p', unpack(ARGV, 6))
`,
)
