import { isBuiltin } from 'node:module'
import { importsOf, targetOf } from './source-imports.ts'

/** Which other folders of `src` each folder may import. Adapters never import each other. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  memory: ['core'],
  disk: ['core'],
  'redis-protocol': ['core'],
  redis: ['core', 'redis-protocol'],
  observe: ['core'],
  fastify: ['core', 'observe'],
  upstash: ['core', 'redis-protocol'],
  cli: ['core', 'memory', 'disk', 'observe', 'redis', 'redis-protocol', 'testing'],
  testing: ['core', 'memory'],
  // The main door wires core and its default tier.
  '': ['core', 'memory'],
}

/**
 * Packages that an edge of the library may import; every other folder imports none. 'types': gone after compilation, the
 * application brings the package. 'if there': loaded when it is asked for, and missed with a clear error.
 */
export const PACKAGES: Record<string, Readonly<Record<string, 'types' | 'if there' | 'dependency'>>> = {
  fastify: { fastify: 'types', 'fastify-plugin': 'dependency' },
  cli: { commander: 'dependency', ioredis: 'if there', picocolors: 'dependency' },
}

const DOORS = [
  'freshtier',
  'freshtier/disk',
  'freshtier/redis',
  'freshtier/upstash',
  'freshtier/observe',
  'freshtier/fastify',
  'freshtier/testing',
]

/** What one file of the library, an app or the benches imports although it must not. One sentence each. */
export function layerViolations(path: string, text: string): string[] {
  return importsOf(path, text).flatMap(({ specifier, isTypeOnly, line }) => {
    const fault = path.startsWith('src/') ? faultOfLibrary(path, specifier, isTypeOnly) : faultOfUser(path, specifier)
    return fault ? [`${path}:${line} imports '${specifier}': ${fault}`] : []
  })
}

function faultOfLibrary(path: string, specifier: string, isTypeOnly: boolean): string | undefined {
  const target = targetOf(path, specifier)
  if (target === undefined) {
    const allowed = PACKAGES[layerOf(path)]?.[specifier]
    if (allowed === 'dependency' || allowed === 'if there' || (allowed === 'types' && isTypeOnly)) return undefined
    if (allowed === 'types') return 'only its types may be imported; the application brings the package'
    if (!isBuiltin(specifier))
      return 'the library depends on no package; describe the client and let the caller pass it in'
    return specifier.startsWith('node:') ? undefined : "built-in modules are written with 'node:'"
  }
  if (!target.startsWith('src/')) return 'the library imports nothing outside src'
  const [from, to] = [layerOf(path), layerOf(target)]
  const allowed = MAY_IMPORT[from]
  if (!allowed) return `the folder src/${from} has no row in test/package/layers.ts`
  if (from === to || allowed.includes(to)) return undefined
  return `${from || 'the main door'} may import ${['node:', 'itself', ...allowed].join(', ')}`
}

/** Apps and benches stand where a user stands. */
function faultOfUser(path: string, specifier: string): string | undefined {
  const target = targetOf(path, specifier)
  const workspace = path.startsWith('apps/') ? path.split('/').slice(0, 2).join('/') : 'bench'
  if (target === undefined) {
    const isOurs = specifier === 'freshtier' || specifier.startsWith('freshtier/')
    return isOurs && !DOORS.includes(specifier) ? `only the doors ${DOORS.join(', ')} are public` : undefined
  }
  return target.startsWith(`${workspace}/`)
    ? undefined
    : 'it reaches out of its own workspace; import a door of freshtier instead'
}

/** What a file of the console's page imports although no browser could run it. */
export function pageViolations(path: string, text: string): string[] {
  return importsOf(path, text).flatMap(({ specifier, isTypeOnly, line }) => {
    const isOfNode = specifier.startsWith('node:') || targetOf(path, specifier)?.startsWith('src/')
    return isOfNode && !isTypeOnly ? [`${path}:${line} imports '${specifier}': only its types may be imported`] : []
  })
}

function layerOf(path: string): string {
  const [, folder = '', ...rest] = path.split('/')
  return rest.length === 0 ? '' : folder
}

/** Rings of imports that survive compilation, each as the list of its files. */
export function valueRings(sources: ReadonlyMap<string, string>): string[][] {
  const edges = new Map<string, string[]>()
  for (const [path, text] of sources) {
    const targets = importsOf(path, text).flatMap(({ specifier, isTypeOnly }) => {
      const target = isTypeOnly ? undefined : targetOf(path, specifier)
      return target && sources.has(target) ? [target] : []
    })
    edges.set(path, targets)
  }
  const rings: string[][] = []
  const state = new Map<string, 'open' | 'done'>()
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'open') rings.push([...trail.slice(trail.indexOf(path)), path])
    if (state.has(path)) return
    state.set(path, 'open')
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path])
    state.set(path, 'done')
  }
  for (const path of sources.keys()) visit(path, [])
  return rings
}
