// Builds the console's page into dist/console with Vite, unless its sources are those of the last build.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Failure, main } from './failure.mjs'
import { root, stampFolder } from './places.mjs'
import { runQuietly } from './run.mjs'

const page = join(root, 'dist/console/index.html')
const stampFile = join(stampFolder, 'built-console')

export async function buildConsoleIfNeeded() {
  const stamp = hashOfSources()
  if (existsSync(page) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  console.error('Building the console …')
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const args = [vite, 'build', 'console', '--logLevel', 'warn']
  const { code, output } = await runQuietly(process.execPath, args, { cwd: root })
  if (code !== 0) throw new Failure(`The console cannot be built:\n${output.trim()}`)
  mkdirSync(stampFolder, { recursive: true })
  writeFileSync(stampFile, stamp)
}

/** The page shows the package's version and the recorded benchmarks. */
function hashOfSources() {
  const hash = createHash('sha256')
  const others = ['package.json', 'package-lock.json', 'bench/baseline.json'].map((name) => join(root, name))
  for (const path of [...others, ...filesBelow(join(root, 'console'))]) {
    hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0')
  }
  return hash.digest('hex')
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(buildConsoleIfNeeded)
