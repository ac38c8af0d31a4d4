// Compiles a project with `tsc -b`, unless its sources are those of the last build.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { buildConsoleIfNeeded } from './build-console.mjs'
import { Failure } from './failure.mjs'
import { root, stampFolder } from './places.mjs'
import { run } from './run.mjs'

/** @param folder of the project relative to the root: '.' or 'apps/cold-chain'. */
export async function buildIfNeeded(folder) {
  await compileIfNeeded(folder)
  // The page is published with the library.
  if (folder === '.') await buildConsoleIfNeeded()
}

async function compileIfNeeded(folder) {
  const project = join(root, folder)
  const sources = typescriptFiles(join(project, 'src'))
  const stampFile = join(stampFolder, `built-${folder === '.' ? 'library' : folder.replaceAll('/', '-')}`)
  const stamp = hashOf(folder, sources)
  const outputs = sources.filter((path) => !path.endsWith('.d.ts')).map((path) => outputOf(project, path))
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp && outputs.every((path) => existsSync(path)))
    return

  console.error(`Building ${folder === '.' ? 'freshtier' : folder} …`)
  removeOrphans(project, new Set(outputs))
  // tsc trusts its own record; without one it writes every file again.
  if (!outputs.every((path) => existsSync(path))) rmSync(join(project, 'dist/.tsbuildinfo'), { force: true })
  const code = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', folder], { cwd: root })
  if (code !== 0)
    throw new Failure(`${folder === '.' ? 'freshtier' : folder} does not compile: see the messages above.`)
  mkdirSync(stampFolder, { recursive: true })
  // What was edited meanwhile may have been compiled before or after.
  if (hashOf(folder, sources) === stamp) writeFileSync(stampFile, stamp)
  else rmSync(stampFile, { force: true })
}

/** The app's build depends on the library's declarations, so the library's sources count for it too. */
function hashOf(folder, sources) {
  const hash = createHash('sha256')
  const library = folder === '.' ? [] : typescriptFiles(join(root, 'src'))
  const settings = ['tsconfig.json', 'package-lock.json', join(folder, 'tsconfig.json'), join(folder, 'package.json')]
  for (const path of [...settings.map((name) => join(root, name)), ...library, ...sources].sort()) {
    hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0')
  }
  return hash.digest('hex')
}

/** Compiled files whose source is gone would still be loaded, and published. */
function removeOrphans(project, outputs) {
  const dist = join(project, 'dist')
  for (const path of filesBelow(dist)) {
    if (path.startsWith(join(dist, 'console/'))) continue
    const compiled = path.replace(/\.(js|js\.map|d\.ts|d\.ts\.map)$/, '.js')
    if (compiled.endsWith('.js') && !outputs.has(compiled)) rmSync(path)
  }
}

const outputOf = (project, source) =>
  join(project, 'dist', relative(join(project, 'src'), source)).replace(/\.ts$/, '.js')

const typescriptFiles = (folder) => filesBelow(folder).filter((path) => path.endsWith('.ts'))

function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
