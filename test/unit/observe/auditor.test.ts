import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import {
  type AuditedEntry,
  type Auditor,
  type AuditorOptions,
  auditCache,
  cacheMetrics,
} from '../../../src/observe/index.js'
import { seededRandom } from '../../../src/testing/index.js'
import { value, type WatchedCache, watchedCache } from './watched-cache.js'

const units = definePolicy({ name: 'units', ttl: '1h', tags: () => ['units'] })

let watched: WatchedCache
let auditor: Auditor
/** What the database says, and what a lagging replica of it says. */
let primary: { count: number }
let replica: { count: number }
let stale: AuditedEntry[]

beforeEach(async () => {
  watched = watchedCache()
  // A tenant's first use is told as a clear.
  await watched.cache.tenant('org-1').get(units, 'none')
  primary = { count: 1 }
  replica = primary
  stale = []
})

afterEach(async () => {
  await auditor?.close()
  await watched.close()
})

function audit(options: Partial<AuditorOptions> = {}): Auditor {
  auditor = auditCache(watched.cache, {
    origin: async () => primary,
    share: 1,
    onStale: (entry) => stale.push(entry),
    clock: watched.clock,
    random: seededRandom(1),
    ...options,
  })
  return auditor
}

const org = () => watched.cache.tenant('org-1')
const read = () => org().getOrFill(units, 'all', async () => ({ ...replica }))
const write = async (count: number): Promise<void> => {
  primary = { count }
  await org().invalidate({ tags: ['units'] })
}

describe('the auditor', () => {
  it('finds nothing in a cache that keeps its word', async () => {
    audit()
    await read()
    replica = { count: 2 }
    await write(2)
    await read()
    await watched.clock.advance(60_000)
    expect(auditor.report()).toMatchObject({ stale: 0, unknown: 0, staleReadsPerMillion: 0 })
    expect(auditor.report().current).toBeGreaterThan(0)
  })

  it('finds a fill that reads a lagging replica, and says so', async () => {
    audit()
    const metrics = cacheMetrics(watched.cache, { sources: [auditor] })
    await read()
    await write(2)
    expect(await read()).toEqual({ count: 1 })
    await watched.clock.advance(60_000)
    const { current, stale: found, staleReadsPerMillion } = auditor.report()
    expect({ current, found, staleReadsPerMillion }).toEqual({ current: 0, found: 2, staleReadsPerMillion: 1e6 })
    expect(stale[0]).toEqual({ policy: 'units', tenant: 'org-1', key: 'all' })
    expect(value(metrics, 'cache_audit_reads_total', { outcome: 'stale' })).toBe(2)
    expect(value(metrics, 'cache_stale_reads_per_million')).toBe(1e6)
    metrics.close()
  })

  it('does not call stale what is about to be invalidated', async () => {
    audit({ delays: ['3s'] })
    await read()
    replica = { count: 2 }
    await write(2)
    await read()
    // Committed, and the invalidation still on its way when the auditor looks.
    await watched.clock.advance(2_500)
    primary = { count: 3 }
    await watched.clock.advance(1_000)
    replica = primary
    await org().invalidate({ tags: ['units'] })
    await read()
    await watched.clock.advance(60_000)
    expect(auditor.report()).toMatchObject({ stale: 0, unknown: 1 })
    expect(auditor.report().current).toBe(1)
  })

  it('does not judge what is invalidated again while it looks', async () => {
    audit({ delays: ['3s'] })
    await read()
    await write(2)
    await read()
    await watched.clock.advance(4_000)
    await org().invalidate({ tags: ['units'] })
    await read()
    await watched.clock.advance(1_500)
    expect(auditor.report()).toMatchObject({ stale: 0, unknown: 1 })
  })

  it('counts what is not held, and an origin that fails', async () => {
    audit({ delays: ['3s'] })
    await read()
    await write(2)
    await watched.clock.advance(10_000)
    expect(auditor.report()).toMatchObject({ absent: 1, current: 0 })
    await auditor.close()
    audit({ delays: ['3s'], origin: () => Promise.reject(new Error('no')) })
    await read()
    await write(3)
    await read()
    await watched.clock.advance(10_000)
    expect(auditor.report()).toMatchObject({ unknown: 1 })
  })

  it('follows up a share of the invalidations, and ends', async () => {
    audit({ share: 0.2, delays: ['3s'] })
    await read()
    for (let round = 0; round < 200; round++) {
      await org().invalidate({ tags: ['units'] })
      await read()
      await watched.clock.advance(4_000)
    }
    const looks = auditor.report().current
    expect(looks).toBeGreaterThan(20)
    expect(looks).toBeLessThan(70)
    await org().invalidate({ tags: ['units'] })
    await auditor.close()
    await watched.clock.advance(60_000)
    expect(auditor.report().current).toBe(looks)
  })

  it.each([
    [{ origin: 'db' }, 'auditCache.origin must be a function'],
    [{ share: 0 }, 'auditCache.share must be above 0 and at most 1; got 0'],
    [{ share: 2 }, 'auditCache.share must be above 0 and at most 1; got 2'],
    [{ delays: [] }, 'auditCache.delays must name one to five durations'],
    [{ delays: ['1s'] }, "auditCache.delays[0] must be above the staleness bound (at least '2100ms')"],
    [{ onStale: true }, 'auditCache.onStale must be a function'],
    [{ shares: 1 }, "did you mean 'share'?"],
  ])('%o is refused', (options, message) => {
    expect(() => auditCache(watched.cache, { origin: () => 1, ...(options as object) })).toThrow(message)
  })
})
