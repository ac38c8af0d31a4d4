import { createCache, definePolicy } from 'freshtier'
import { loops } from '../harness/hit-loops.mjs'
import { nanosecondsPerOperation } from '../harness/timed-loop.mjs'
import { seed, valueFor, workload } from '../harness/workload.mjs'

const RESIDENT = 10_000

/** What each kind of entry adds to the plain one: the scope that is asked, the policy's tags, what happened before. */
const KINDS = {
  plain: {},
  'freshtier tagged': { tags: (key) => ['units', key.slice(0, key.indexOf(':unit'))] },
  'freshtier tenant': { tenant: 'org-7' },
  'freshtier tenant, tagged': { tenant: 'org-7', tags: () => ['units', 'alerts'] },
  'freshtier tagged, another tag invalidated': { tags: () => ['units', 'alerts'], invalidate: ['sites'] },
}

/** Tags and tenants must not cost on the way that is used most. */
export const scenario = {
  name: 'tagged-hit',
  question: 'what do tags and tenants add to a hit?',
  figures: [{ name: 'nanoseconds', title: 'ns/hit', digits: 1 }],
  ratios: [{ figure: 'nanoseconds', to: 'plain' }],

  cases: () =>
    Object.keys(loops).flatMap((loop) =>
      Object.keys(KINDS).map((kind) => ({ group: `${loop} keys`, contender: kind, spec: { kind, loop } })),
    ),

  async measure({ kind, loop }) {
    const { tenant, tags, invalidate } = KINDS[kind]
    const cache = createCache({ name: 'bench' })
    const scope = tenant === undefined ? cache : cache.tenant(tenant)
    const policy = definePolicy({ name: 'entry', ttl: '1h', tags, fill: async (key) => valueFor(key) })
    const side = { getOrFill: (key) => scope.getOrFill(policy, key), peek: (key) => scope.peek(policy, key) }
    const load = workload(RESIDENT)
    await seed(side, load.keys)
    if (invalidate) await scope.invalidate({ tags: invalidate })
    const { fills } = cache.stats()
    const nanoseconds = await nanosecondsPerOperation(loops[loop](side, load))
    if (cache.stats().fills !== fills) throw new Error(`${kind} missed`)
    return { nanoseconds }
  },
}
