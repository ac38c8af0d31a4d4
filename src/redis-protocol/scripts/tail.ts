import { defineScript } from '../redis-script.js'
import { LOG_ROWS } from './log-rows.js'

/**
 * The newest row of the log; begins the log if it is missing.
 *
 * ```
 * KEYS    b g
 * ARGV    1 generation if the log is missing  2 maxRows
 * Result  {generation, rows as XREVRANGE answers them: one, or none}
 * ```
 */
export const TAIL = defineScript(
  'TAIL',
  `${LOG_ROWS}
return {openLog(KEYS[1], KEYS[2], ARGV[2], ARGV[1]), redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)}
`,
)
