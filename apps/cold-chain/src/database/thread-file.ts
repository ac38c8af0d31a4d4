import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Threads run JavaScript only: from the sources (as tests do) the compiled file is used, which the build has made. */
export function threadFile(name: `${string}.js`): URL {
  const file = new URL(`./${name}`, import.meta.url)
  return existsSync(fileURLToPath(file)) ? file : new URL(`../../dist/database/${name}`, import.meta.url)
}
