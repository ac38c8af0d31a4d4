import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { PACKAGES } from './layers.ts'
import { type PackedPackage, packPackage } from './packed-package.ts'
import { read } from './repository.ts'

/** No other package is installed beside it, so a door that loads one cannot be opened. */
const packed = packPackage()
afterAll(() => packed.remove())

const manifest = JSON.parse(read('package.json')) as { version: string; bin: { freshtier: string }; exports: object }
const all = Object.keys(manifest.exports)
/** Those that are for a package that the application brings. */
const edges = Object.keys(PACKAGES).filter((folder) => all.includes(`./${folder}`))
const doors = all
  .filter((door) => door !== './package.json' && !edges.includes(door.slice(2)))
  .map((door) => door.replace('.', 'freshtier'))

describe('each door opens in a process of its own, without any other package', () => {
  it.each(doors)('import %s', (door) => {
    const { status, stderr, stdout } = inNode(
      packed,
      `import * as door from '${door}'; console.log(Object.keys(door).length)`,
    )
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(Number(stdout)).toBeGreaterThan(0)
  })

  it.each(edges)('import freshtier/%s, beside its dependencies alone', (folder) => {
    const beside = packPackage()
    const dependencies = Object.entries(PACKAGES[folder]!).filter(([, kind]) => kind === 'dependency')
    for (const [name] of dependencies) beside.link(name)
    const { status, stderr } = inNode(beside, `import 'freshtier/${folder}'`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    beside.remove()
  })

  it('the command line starts beside its dependencies alone, and says which client it misses', () => {
    const beside = packPackage()
    for (const [name, kind] of Object.entries(PACKAGES.cli!)) if (kind === 'dependency') beside.link(name)
    const run = (...args: string[]) => {
      const bin = join(beside.folder, 'node_modules/freshtier', manifest.bin.freshtier)
      const env = { PATH: process.env.PATH }
      const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8', env })
      return { status, stdout: stdout.trim(), stderr: stderr.trim() }
    }
    expect(run('--version')).toEqual({ status: 0, stdout: manifest.version, stderr: '' })
    expect(run('stats', '--redis', 'redis://127.0.0.1:1')).toEqual({
      status: 2,
      stdout: '',
      stderr: "error: --redis needs the package 'ioredis' beside freshtier: npm install ioredis",
    })
    beside.remove()
  })

  it('a process that only makes a cache ends by itself', () => {
    const { status, stdout } = inNode(
      packed,
      `import { createCache } from 'freshtier'
       const cache = createCache({ ttl: '60s' })
       console.log(await cache.getOrFill('key', () => 'value'))`,
    )
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'value\n' })
  })

  it.runIf('require_module' in process.features)('require() works, too', () => {
    const script = "console.log(typeof require('freshtier').createCache)"
    const { status, stdout } = spawnSync(process.execPath, ['-e', script], { cwd: packed.folder, encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'function\n' })
  })

  it('the guard bites: a door that loads a client does not open', () => {
    const greedy = join(packed.folder, 'node_modules/greedy')
    mkdirSync(greedy)
    writeFileSync(join(greedy, 'package.json'), '{ "name": "greedy", "type": "module", "exports": "./index.js" }')
    writeFileSync(join(greedy, 'index.js'), "import 'ioredis'\n")
    const { status, stderr } = inNode(packed, "import 'greedy'")
    expect(status).not.toBe(0)
    expect(stderr).toContain("Cannot find package 'ioredis'")
  })
})

function inNode({ folder }: PackedPackage, script: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' })
}
