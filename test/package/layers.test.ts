import { describe, expect, it } from 'vitest'
import { layerViolations, pageViolations, valueRings } from './layers.ts'
import { filesBelow, read } from './repository.ts'

const library = filesBelow('src', '.ts')
const users = [...filesBelow('apps', '.ts'), ...filesBelow('bench', '.mjs'), ...filesBelow('bench', '.ts')]

describe('which way imports point', () => {
  it('in the library: core to itself, adapters to core', () => {
    expect(library.length).toBeGreaterThan(10)
    expect(library.flatMap((path) => layerViolations(path, read(path)))).toEqual([])
  })

  it('in apps and benches: to the doors of the package', () => {
    expect(users.length).toBeGreaterThan(0)
    expect(users.flatMap((path) => layerViolations(path, read(path)))).toEqual([])
  })

  it("in the console's page: to the library for its types alone", () => {
    const page = [...filesBelow('console', '.ts'), ...filesBelow('console', '.tsx')]
    expect(page.length).toBeGreaterThan(10)
    expect(page.flatMap((path) => pageViolations(path, read(path)))).toEqual([])
  })

  it('S0-15: never in a ring of values', () => {
    const rings = valueRings(new Map(library.map((path) => [path, read(path)])))
    expect(rings.map((ring) => ring.join(' -> '))).toEqual([])
  })
})

describe('the guard bites', () => {
  it.each([
    ['src/core/read.ts', "import { memoryTier } from '../memory/index.js'", 'core may import node:, itself'],
    [
      'src/redis/redis-tier.ts',
      "import type { Slots } from '../memory/slots.js'",
      'redis may import node:, itself, core, redis-protocol',
    ],
    ['src/memory/slots.ts', "export { redisTier } from '../redis/index.js'", 'memory may import'],
    ['src/core/read.ts', "import { Redis } from 'ioredis'", 'depends on no package'],
    ['src/redis/redis-tier.ts', "type Client = import('ioredis').Redis", 'depends on no package'],
    ['src/redis/redis-tier.ts', "const { Redis } = await import('ioredis')", 'depends on no package'],
    ['src/fastify/plugin.ts', "import Fastify from 'fastify'", 'only its types may be imported'],
    ['src/observe/spans.ts', "import { trace } from '@opentelemetry/api'", 'depends on no package'],
    ['src/core/read.ts', "import { createHash } from 'crypto'", "written with 'node:'"],
    ['src/core/read.ts', "import { x } from '../../bench/x.js'", 'nothing outside src'],
    ['src/kafka/kafka-tier.ts', "import { x } from '../core/index.js'", 'has no row'],
    ['apps/cold-chain/src/main.ts', "import { x } from '../../../src/core/read.js'", 'out of its own workspace'],
    ['apps/cold-chain/src/main.ts', "import { x } from 'freshtier/dist/core/read.js'", 'only the doors'],
    ['bench/main.mjs', "import { x } from '../src/index.ts'", 'out of its own workspace'],
  ])('reports %s: %s', (path, text, fault) => {
    expect(layerViolations(path, text).join()).toContain(fault)
  })

  it('reports a page that would take code of the library into the browser', () => {
    const specifier = '../../../src/core/stats.ts'
    expect(pageViolations('console/src/ui/a.tsx', `import { takeStats } from '${specifier}'`)).toHaveLength(1)
    expect(pageViolations('console/src/ui/a.tsx', "import { join } from 'node:path'")).toHaveLength(1)
    expect(pageViolations('console/src/ui/a.tsx', `import type { CacheStats } from '${specifier}'`)).toEqual([])
  })

  it('lets pass what is allowed', () => {
    const text = "import type { Clock } from '../core/ports/clock.js'\nimport { createHash } from 'node:crypto'\n"
    expect(layerViolations('src/redis/redis-tier.ts', text)).toEqual([])
    expect(layerViolations('src/fastify/plugin.ts', "import type { FastifyInstance } from 'fastify'")).toEqual([])
    expect(layerViolations('apps/cold-chain/src/main.ts', "import { redisTier } from 'freshtier/redis'")).toEqual([])
  })

  it('reports a ring of values, not one of types', () => {
    const ring = (keyword: string): Map<string, string> =>
      new Map([
        ['src/core/a.ts', "import { b } from './b.js'"],
        ['src/core/b.ts', `${keyword} { a } from './a.js'`],
      ])
    expect(valueRings(ring('import'))).toEqual([['src/core/a.ts', 'src/core/b.ts', 'src/core/a.ts']])
    expect(valueRings(ring('import type'))).toEqual([])
  })
})
