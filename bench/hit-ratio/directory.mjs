import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where real traces are: what the caller said, else `FRESHTIER_TRACES`, else `../shared/traces` beside the checkout. */
export function tracesDirectory(given = process.env.FRESHTIER_TRACES) {
  if (given !== undefined && given !== '') return given
  const beside = fileURLToPath(new URL('../../../shared/traces', import.meta.url))
  return existsSync(beside) ? beside : undefined
}
