// Adds to package-lock.json the optional packages of other platforms that the registry in use did not offer when the
// lock was written. `npm ci` refuses a lock that lacks them, on every platform. They carry no checksum; nothing else
// of the lock changes. `--check` writes nothing and fails if some are missing.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PLATFORM =
  /(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-([a-z0-9]+?)(?:-(gnu|glibc|musl|msvc|gnueabihf))?$/

export function missingOptionals(lock) {
  const missing = []
  for (const [at, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!resolves(lock.packages, at, name)) missing.push({ name, version, dev: entry.dev === true })
    }
  }
  return missing
}

/** Node's own rule: look beside the dependent, then further up. */
function resolves(packages, from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]) return true
    if (at === '' || !at.includes('node_modules/')) return at === '' ? false : resolves(packages, '', name)
  }
}

function entryFor({ name, version, dev }) {
  const [, os, cpu, libc] = PLATFORM.exec(name) ?? []
  if (!os)
    throw new Error(`${name}@${version} is missing from the lock, and its name tells no platform: add it by hand.`)
  const entry = { version, cpu: [cpu] }
  if (dev) entry.dev = true
  if (os === 'linux') entry.libc = [libc === 'musl' ? 'musl' : 'glibc']
  return { ...entry, optional: true, os: [os] }
}

function main() {
  const path = fileURLToPath(new URL('../package-lock.json', import.meta.url))
  const lock = JSON.parse(readFileSync(path, 'utf8'))
  const missing = missingOptionals(lock)
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name).join(', ')
  if (process.argv.includes('--check')) {
    console.error(`package-lock.json lacks ${names}; run: node scripts/complete-lock.mjs`)
    process.exitCode = 1
    return
  }
  for (const one of missing) lock.packages[`node_modules/${one.name}`] = entryFor(one)
  const packages = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`)
  console.log(`Added ${names}.`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
