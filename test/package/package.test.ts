import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import ts from 'typescript'
import { afterAll, describe, expect, it } from 'vitest'
import { PACKAGES } from './layers.ts'
import { packPackage } from './packed-package.ts'
import { ROOT, read } from './repository.ts'
import { typeErrors } from './type-check.ts'

const packed = packPackage()
afterAll(() => packed.remove())

const inPackage = (path: string): string => join(packed.folder, 'node_modules/freshtier', path)
const manifest = JSON.parse(read('package.json')) as { exports: Record<string, unknown>; dependencies?: object }
const doors = Object.keys(manifest.exports).filter((door) => door !== './package.json')

describe('what is published', () => {
  it('is the build, and what a reader needs', () => {
    const build = /^dist\/.+\.(js|js\.map|d\.ts)$/
    const page = /^dist\/console\/(index\.html|favicon\.svg|assets\/index-[\w-]+\.(js|css))$/
    expect(packed.files.filter((path) => page.test(path))).toHaveLength(4)
    const others = packed.files.filter((path) => !build.test(path) && !page.test(path))
    expect(others).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  })

  it('has every file that package.json exports', () => {
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? target : Object.values(target as object),
    )
    expect(targets.filter((target: string) => !existsSync(inPackage(target)))).toEqual([])
  })

  it('has no compiled file whose source is gone', () => {
    const compiled = packed.files.filter((path) => path.endsWith('.js') && !path.startsWith('dist/console/'))
    const orphans = compiled.filter((path) => !existsSync(join(ROOT, sourceOf(path))))
    expect(orphans).toEqual([])
  })

  it('has no source map that points nowhere', () => {
    expect(packed.files.flatMap((path) => mapFaults(path))).toEqual([])
  })

  it('depends on what its edges load, each at one version, and on nothing else', () => {
    const loaded = Object.values(PACKAGES).flatMap((packages) =>
      Object.keys(packages).filter((name) => packages[name] === 'dependency'),
    )
    expect(Object.keys(manifest.dependencies ?? {}).sort()).toEqual(loaded.sort())
    expect(Object.values(manifest.dependencies ?? {}).join(' ')).toMatch(/^(\d+\.\d+\.\d+ ?)+$/)
  })

  it.each([
    ['NodeNext', { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }],
    ['Bundler', { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
  ])('has types that resolve and check, with no other package installed: %s', (name, options) => {
    const user = join(packed.folder, `user-${name}.ts`)
    const alone = doors.filter((door) => !(door.slice(2) in PACKAGES))
    const imports = alone.map((door, index) => `import * as door${index} from '${door.replace('.', 'freshtier')}'`)
    writeFileSync(
      user,
      `${imports.join('\n')}\nexport default [${alone.map((_, index) => `door${index}`).join(', ')}]\n`,
    )
    expect(typeErrors([user], options)).toEqual([])
  })

  it.each(Object.entries(PACKAGES).filter(([folder]) => doors.includes(`./${folder}`)))(
    'has types of freshtier/%s that resolve and check beside the packages it is for',
    (folder, packages) => {
      const beside = packPackage()
      for (const name of Object.keys(packages)) beside.link(name)
      const user = join(beside.folder, 'user.ts')
      writeFileSync(user, `export * from 'freshtier/${folder}'\n`)
      expect(typeErrors([user])).toEqual([])
      beside.remove()
    },
  )
})

describe('package-lock.json', async () => {
  const script = new URL('../../scripts/complete-lock.mjs', import.meta.url).href
  const { missingOptionals } = (await import(script)) as { missingOptionals(lock: Lock): { name: string }[] }

  it('names every optional package, so that `npm ci` takes it on every platform', () => {
    const lock = JSON.parse(read('package-lock.json')) as Lock
    expect(missingOptionals(lock).map(({ name }) => name)).toEqual([])
    const { 'node_modules/@biomejs/cli-win32-x64': _, ...rest } = lock.packages
    expect(missingOptionals({ packages: rest }).map(({ name }) => name)).toEqual(['@biomejs/cli-win32-x64'])
  })
})

interface Lock {
  packages: Record<string, object>
}

function sourceOf(path: string): string {
  return path.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts')
}

function mapFaults(path: string): string[] {
  if (path.endsWith('.map')) {
    const { sources, sourcesContent } = JSON.parse(readFileSync(inPackage(path), 'utf8')) as {
      sources: string[]
      sourcesContent?: string[]
    }
    return sources
      .filter((source, index) => !sourcesContent?.[index] && !existsSync(join(dirname(inPackage(path)), source)))
      .map((source) => `${path} names ${source}, which is not in the package`)
  }
  const named = /^\/\/# sourceMappingURL=(.+)$/m.exec(readFileSync(inPackage(path), 'utf8'))?.[1]
  if (!named || packed.files.includes(posix.join(posix.dirname(path), named))) return []
  return [`${path} names ${named}, which is not in the package`]
}
