import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.cache', 'data', 'coverage', 'results', 'vendor'])

/** Files below a folder, relative to the root, with `/`; built and installed ones left out. */
export function filesBelow(folder: string, ending: string): string[] {
  const found: string[] = []
  const walk = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory() && !NOT_OURS.has(entry.name)) walk(join(path, entry.name))
      if (entry.isFile() && entry.name.endsWith(ending))
        found.push(relative(ROOT, join(path, entry.name)).split(sep).join('/'))
    }
  }
  walk(join(ROOT, folder))
  return found.sort()
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
