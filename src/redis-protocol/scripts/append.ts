import { defineScript } from '../redis-script.js'
import { LOG_ROWS } from './log-rows.js'

/**
 * Appends one row to the log and publishes it.
 *
 * ```
 * KEYS    b g
 * ARGV    1 generation if the log is missing  2 maxRows  3 payload
 * Result  {generation, id}
 * ```
 */
export const APPEND = defineScript(
  'APPEND',
  `${LOG_ROWS}
local generation = openLog(KEYS[1], KEYS[2], ARGV[2], ARGV[1])
return {generation, appendRow(KEYS[1], ARGV[3])}
`,
)
