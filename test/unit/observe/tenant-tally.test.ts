import { afterEach, describe, expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { TenantTally } from '../../../src/observe/console/tenant-tally.js'
import { type WatchedCache, watchedCache } from './watched-cache.ts'

const units = definePolicy({ name: 'units', ttl: '60s', stale: { whileRevalidate: '60s' } })
const opened: WatchedCache[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

function open(): WatchedCache & { tally: TenantTally } {
  const watched = watchedCache({ shared: false, policies: [units] })
  opened.push(watched)
  return { ...watched, tally: new TenantTally(watched.cache, watched.clock) }
}

describe('counting by tenant', () => {
  it('equals a known workload', async () => {
    const { cache, clock, tally } = open()
    const end = tally.watch()
    const org = cache.tenant('org-1')
    await org.getOrFill(units, 'a', () => 1)
    await org.getOrFill(units, 'a', () => 1)
    await Promise.all([org.getOrFill(units, 'b', () => 1), org.getOrFill(units, 'b', () => 1)])
    await org.getOrFill(units, 'c', () => Promise.reject(new Error('no'))).catch(() => {})
    await org.delete(units, 'a')
    await cache.tenant('org-2').get(units, 'a')
    await clock.advance(5_000)
    const { top, countedMs, blurredBy } = tally.take()
    expect(top).toMatchObject([
      { tenant: 'org-1', requests: 5, hits: 1, misses: 3, fills: 2, fillErrors: 1, invalidations: 1 },
      { tenant: 'org-2', requests: 1, misses: 1, fills: 0 },
    ])
    expect({ countedMs, blurredBy }).toEqual({ countedMs: 5_000, blurredBy: 0 })
    end()
  })

  it('listens only while somebody watches, and forgets after a minute', async () => {
    const { cache, clock, tally } = open()
    const ask = () => cache.tenant('org-1').getOrFill(units, 'a', () => 1)
    const requests = () => tally.take().top[0]?.requests ?? 0
    await ask()
    expect(requests()).toBe(0)
    const ends = [tally.watch(), tally.watch()]
    await ask()
    ends[0]!()
    ends[0]!()
    await ask()
    expect(requests()).toBe(2)
    ends[1]!()
    await ask()
    expect(requests()).toBe(2)
    await clock.advance(59_000)
    const end = tally.watch()
    expect(requests()).toBe(2)
    end()
    await clock.advance(61_000)
    tally.watch()()
    expect(tally.take()).toMatchObject({ countedMs: 0, top: [] })
  })

  it('keeps to its bound with 10,000 tenants, and the busiest is among them with every request', async () => {
    const { cache, tally } = open()
    const end = tally.watch()
    for (let n = 0; n < 10_000; n++) {
      await cache.tenant(`org-${n}`).get(units, 'a')
      if (n % 10 === 0) await cache.tenant('busy').get(units, 'a')
    }
    const { top, blurredBy } = tally.take()
    expect(top).toHaveLength(50)
    expect(top[0]).toMatchObject({ tenant: 'busy', requests: 1_000 })
    expect(blurredBy).toBeGreaterThan(0)
    expect(blurredBy).toBeLessThan(20)
    end()
  })
})
