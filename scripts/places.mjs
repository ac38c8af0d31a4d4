import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Inside node_modules: what was built or installed is forgotten together with the packages. */
export const stampFolder = join(root, 'node_modules/.cache/freshtier')
