import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './repository.ts'

/** A folder in which the package is installed as npm would publish it, and nothing else. */
export interface PackedPackage {
  readonly folder: string
  /** Paths inside the package. */
  readonly files: readonly string[]
  /** Makes an installed package of the repository visible from the folder. */
  link(name: string): void
  remove(): void
}

export function packPackage(): PackedPackage {
  const folder = mkdtempSync(join(tmpdir(), 'freshtier-packed-'))
  const packed = run('npm', ['pack', '--json', '--pack-destination', folder], ROOT)
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }]
  const modules = join(folder, 'node_modules')
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  mkdirSync(join(modules, 'freshtier'), { recursive: true })
  run('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', join(modules, 'freshtier')], folder)
  return {
    folder,
    files: files.map(({ path }) => path).sort(),
    link(name) {
      const at = join(modules, name)
      mkdirSync(join(at, '..'), { recursive: true })
      symlinkSync(join(ROOT, 'node_modules', name), at, 'junction')
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function run(command: string, args: readonly string[], cwd: string): string {
  const shell = process.platform === 'win32'
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', shell })
  if (error || status !== 0) throw error ?? new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stderr}`)
  return stdout
}
