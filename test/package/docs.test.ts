import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'
import { afterAll, describe, expect, it } from 'vitest'
import { anchorsOf, linksOf, snippetsOf } from './markdown.ts'
import { packPackage } from './packed-package.ts'
import { filesBelow, ROOT, read } from './repository.ts'
import { typeErrors } from './type-check.ts'

const packed = packPackage()
afterAll(() => packed.remove())
for (const name of [
  'ioredis',
  'fastify',
  'fastify-plugin',
  'prom-client',
  '@fastify/under-pressure',
  '@opentelemetry/api',
]) {
  packed.link(name)
}

const pages = filesBelow('.', '.md')
const snippets = pages.flatMap((page) =>
  snippetsOf(read(page)).map((snippet) => ({
    ...snippet,
    name: `${page}:${snippet.line}`,
    file: fileFor(page, snippet.line),
  })),
)

describe('S4-27: examples', () => {
  for (const { file, code } of snippets) writeFileSync(file, code)
  const found = typeErrors(snippets.map(({ file }) => file))

  it('are on the pages', () => {
    expect(snippets.length).toBeGreaterThan(3)
  })

  it.each(snippets)('type check against the package: $name', ({ file }) => {
    expect(found.filter((error) => error.startsWith(file))).toEqual([])
  })

  it.each(snippets.filter(({ kind }) => kind === 'runs'))('run to their end: $name', ({ file, code }) => {
    const script = file.replace(/\.ts$/, '.mjs')
    const options = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext }
    writeFileSync(script, ts.transpileModule(code, { compilerOptions: options }).outputText)
    const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 20_000 })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('the guard bites: a wrong example is reported', () => {
    const file = fileFor('wrong.md', 1)
    writeFileSync(file, "import { createCache } from 'freshtier'\ncreateCache({ ttl: 60 })\n")
    expect(typeErrors([file]).join()).toContain("Type 'number' is not assignable")
  })
})

describe('links', () => {
  it('S4-25: lead somewhere', () => {
    expect(pages.flatMap((page) => linkFaults(page, read(page)))).toEqual([])
  })

  it('the guard bites: a link to nothing is reported', () => {
    expect(linkFaults('README.md', '[a](docs/nothing.md) [b](#nowhere) [c](http://example.org)')).toHaveLength(3)
    expect(linkFaults('README.md', '[a](docs/errors.md) [b](https://example.org) `[c](nothing.md)`')).toEqual([])
  })
})

function fileFor(page: string, line: number): string {
  return join(packed.folder, `${page.replaceAll('/', '-').replace(/\.md$/, '')}-${line}.ts`)
}

function linkFaults(page: string, markdown: string): string[] {
  return linksOf(markdown).flatMap((link) => {
    if (/^https:|^mailto:/.test(link)) return []
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : posix.join(posix.dirname(page), path)
    if (/^[a-z]+:/.test(link) || !existsSync(join(ROOT, target))) return [`${page}: ${link} leads nowhere`]
    const anchors = anchor === undefined ? [] : anchorsOf(path === '' ? markdown : read(target))
    return anchor === undefined || anchors.includes(anchor) ? [] : [`${page}: ${link} names no heading`]
  })
}
