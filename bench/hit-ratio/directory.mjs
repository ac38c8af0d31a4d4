import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where traces are: what the caller said, else `../shared/traces` beside the checkout if it exists, else nowhere. */
export function readTracesDirectory(given) {
  if (given !== undefined) {
    if (!existsSync(given)) throw new Error(`--traces: there is no folder '${given}'.`)
    return given
  }
  const beside = fileURLToPath(new URL('../../../shared/traces', import.meta.url))
  return existsSync(beside) ? beside : undefined
}
