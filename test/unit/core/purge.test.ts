import { afterEach, describe, expect, it } from 'vitest'
import { createCache, definePolicy, type PurgeReceipt } from '../../../src/index.js'
import { fakeClock } from '../../../src/testing/index.js'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.ts'

const units = definePolicy({ name: 'units', ttl: '1h' })

let twins: TwinCaches
afterEach(() => twins?.close())

/** Two caches; 250 entries of org-1, and one each of those it must not be mistaken for. */
async function filled() {
  twins = twinCaches(2)
  const [cache, other] = twins.caches as [TwinCaches['caches'][0], TwinCaches['caches'][0]]
  for (let n = 0; n < 250; n++) await cache.tenant('org-1').set(units, n, n)
  for (const tenant of ['org-10', 'ORG-1', '*']) await cache.tenant(tenant).set(units, 'kept', 1)
  expect(await other.tenant('org-1').get(units, 7)).toBe(7)
  return { cache, other, clock: twins.clock }
}

describe('cache.purge', () => {
  it('invalidates everything of a tenant everywhere, takes its room back, and says so', async () => {
    const { cache, other, clock } = await filled()
    const purged = cache.purge('org-1')
    await clock.advance(1_000)
    expect(await purged).toEqual({
      tenant: 'org-1',
      isDryRun: false,
      cleared: expect.stringMatching(/^\d+:/),
      found: { entries: 250, leases: 0 },
      deleted: 250,
      steps: 3,
      cursor: '0',
      isDone: true,
    })
    expect(await other.tenant('org-1').get(units, 7)).toBeUndefined()
    for (const tenant of ['org-10', 'ORG-1', '*']) expect(await other.tenant(tenant).get(units, 'kept')).toBe(1)
    expect(await other.purge('org-1')).toMatchObject({ found: { entries: 0, leases: 0 }, deleted: 0 })
  })

  it('goes not faster than asked', async () => {
    const { cache, clock } = await filled()
    const steps: PurgeReceipt[] = []
    const purged = cache.purge('org-1', { keysPerSecond: 50, onStep: (soFar) => steps.push(soFar) })
    await clock.advance(1_999)
    expect(steps.map(({ deleted }) => deleted)).toEqual([100])
    await clock.advance(1_999)
    expect(steps.map(({ deleted }) => deleted)).toEqual([100, 200])
    await clock.advance(2)
    expect(await purged).toMatchObject({ deleted: 250, isDone: true })
  })

  it('does nothing for a signal that was aborted before', async () => {
    const { cache, other } = await filled()
    const reason = new Error('too late')
    await expect(cache.purge('org-1', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(await other.tenant('org-1').get(units, 7)).toBe(7)
  })

  it('stops when it is told to, at once, and goes on from there without clearing again', async () => {
    const { cache, clock } = await filled()
    const stop = new AbortController()
    const { signal } = stop
    const stopped = cache.purge('org-1', { keysPerSecond: 1, signal })
    await clock.advance(10_000)
    stop.abort()
    const { cursor, deleted, isDone } = await stopped
    expect({ cursor, deleted, isDone }).toEqual({ cursor: '100', deleted: 100, isDone: false })
    const { invalidations } = cache.stats()
    const resumed = cache.purge('org-1', { from: cursor })
    await clock.advance(1_000)
    const receipt = await resumed
    expect(receipt).toMatchObject({ deleted: 150, isDone: true })
    expect(receipt).not.toHaveProperty('cleared')
    expect(cache.stats().invalidations).toBe(invalidations)
  })

  it('only counts as a dry run', async () => {
    const { cache, other } = await filled()
    const receipt = await cache.purge('org-1', { dryRun: true })
    expect(receipt).toMatchObject({ isDryRun: true, found: { entries: 250 }, deleted: 0, isDone: true })
    expect(receipt).not.toHaveProperty('cleared')
    expect(await other.tenant('org-1').get(units, 7)).toBe(7)
  })

  it('clears where there is nothing shared', async () => {
    const cache = createCache({ name: 'alone', clock: fakeClock() })
    await cache.tenant('org-1').set(units, 'a', 1)
    expect(await cache.purge('org-1')).toMatchObject({ cleared: '', deleted: 0, steps: 0, isDone: true })
    expect(await cache.tenant('org-1').get(units, 'a')).toBeUndefined()
    await cache.close()
  })

  it('is refused once the cache is closed, also between two steps', async () => {
    const { cache, clock } = await filled()
    const purged = cache.purge('org-1', { keysPerSecond: 1 }).catch((error: unknown) => error)
    await clock.advance(1_000)
    const closed = cache.close()
    await clock.advance(100_000)
    await closed
    expect(await purged).toMatchObject({ code: 'CACHE_CLOSED' })
    await expect(cache.purge('org-1')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  })

  it.each([
    [[''], 'tenant must be text of 1 to 128 characters'],
    [['org-1', { keysPerSecond: 0 }], 'purge.keysPerSecond must be a whole number from 1 to 1000000'],
    [['org-1', { keysPerSecond: 1.5 }], 'purge.keysPerSecond must be a whole number from 1 to 1000000'],
    [['org-1', { dryRun: 'yes' }], 'purge.dryRun must be true or false'],
    [['org-1', { from: 'x' }], 'purge.from must be the cursor of a receipt'],
    [['org-1', null], 'purge must be an object of options; got null'],
    [['org-1', { signal: 5 }], 'purge.signal must be an AbortSignal; got 5'],
    [['org-1', { onStep: 'x' }], "purge.onStep must be a function; got 'x'"],
    [['org-1', { rate: 1 }], 'purge.rate is no option'],
  ])('bad input is refused before anything is done: %j', async (wrong, message) => {
    const { cache } = await filled()
    const { invalidations } = cache.stats()
    await expect(cache.purge(...(wrong as unknown as [string]))).rejects.toThrow(message)
    expect(cache.stats().invalidations).toBe(invalidations)
  })
})
