import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, type CacheEvent, createCache, definePolicy, type SyncView } from '../../../src/index.js'
import { fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

const tables = definePolicy<string>({ name: 'tables', ttl: '30s', jitter: 0, fillTimeout: { hard: '10s' } })
const tagged = definePolicy<string>({ name: 'tagged', ttl: '30s', jitter: 0, tags: () => ['all'] })

let twins: TwinCaches | undefined
afterEach(async () => {
  const { clock } = twins!
  await twins!.close()
  expect(clock.pendingTimers).toBe(0)
  twins = undefined
})

/** Caches that have looked at the log once, each with a view. */
async function setUp(count = 2) {
  twins = twinCaches(count)
  const { caches, clock } = twins
  const views = caches.map((cache) => cache.syncView(tables))
  for (const view of views) view.get('anything')
  await clock.advance(1)
  const events: CacheEvent[] = []
  caches[0]!.on('*', (event) => events.push(event))

  const told = (type: CacheEvent['type']) => events.filter((event) => event.type === type)
  return { ...twins, a: views[0]!, b: views[1] ?? views[0]!, told, [Symbol.dispose]() {} }
}

/** The first look at a control block makes all that is held locally dead: here it is over before the test begins. */
async function open(view: SyncView<string, string>, clock: TwinCaches['clock']): Promise<void> {
  view.set('first', 'v', { authoritative: true })
  await clock.advance(1)
}

describe('a sync view', () => {
  it('keeps what was set after a miss, until its time is over', async () => {
    const { a, clock } = await setUp()
    expect(a.get('r1')).toBeUndefined()
    a.set('r1', 'v1')
    expect(a.get('r1')).toBe('v1')
    await clock.advance(30_000)
    expect(a.get('r1')).toBeUndefined()
  })

  it('keeps null, and a ttl of the call', async () => {
    const { a, clock } = await setUp()
    ;(a as SyncView<string, string | null>).set('none', null)
    a.set('short', 'v', { ttl: '1s' })
    expect([a.get('none'), a.get('short')]).toEqual([null, 'v'])
    await clock.advance(1_000)
    expect(a.get('short')).toBeUndefined()
  })

  it('does not keep undefined, nor what has no life', async () => {
    const { a } = await setUp()
    a.set('r1', undefined as unknown as string)
    a.set('r2', 'v', { ttl: '0s' })
    expect([a.get('r1'), a.get('r2')]).toEqual([undefined, undefined])
  })

  it('does not keep a value that was loaded before an invalidation', async () => {
    const { a, told } = await setUp()
    a.get('r1')
    a.invalidate('r1')
    a.set('r1', 'loaded before')
    expect(a.get('r1')).toBeUndefined()
    expect(told('not-stored')).toEqual([expect.objectContaining({ key: 'r1', cause: 'invalidated' })])
    a.set('r1', 'loaded after')
    expect(a.get('r1')).toBe('loaded after')
  })

  it('does not keep it either when the invalidation came from another process', async () => {
    const { a, b, clock } = await setUp()
    b.get('r1')
    a.invalidate('r1')
    await clock.advance(1_000)
    b.set('r1', 'loaded before')
    expect(b.get('r1')).toBeUndefined()
  })

  it('does not keep it when its tag, or everything, was invalidated in between', async () => {
    const { caches, clock } = await setUp()
    const view = caches[0]!.syncView(tagged)
    view.get('by tag')
    view.get('by clear')
    await caches[1]!.invalidate({ tags: ['all'] })
    await clock.advance(1_000)
    view.set('by tag', 'loaded before')
    expect(view.get('by tag')).toBeUndefined()
    await caches[1]!.clear()
    await clock.advance(1_000)
    view.set('by clear', 'loaded before')
    expect(view.get('by clear')).toBeUndefined()
  })

  it('keeps nothing of several callers until all came back: nobody can say who is who', async () => {
    const { a } = await setUp()
    a.get('r1')
    a.invalidate('r1')
    a.get('r1')
    a.set('r1', 'of one or the other')
    expect(a.get('r1')).toBeUndefined()
    a.set('r1', 'of one or the other')
    a.set('r1', 'of the third')
    expect(a.get('r1')).toBeUndefined()
    a.set('r1', 'of one after all')
    expect(a.get('r1')).toBe('of one after all')
  })

  it('waits for who never comes back only as long as a fill may take', async () => {
    const { a, clock } = await setUp()
    a.get('r1')
    a.invalidate('r1')
    await clock.advance(10_000)
    expect(a.get('r1')).toBeUndefined()
    a.set('r1', 'new')
    expect(a.get('r1')).toBe('new')
  })

  it('waits for him no longer though others miss the key all the time', async () => {
    const { a, clock } = await setUp(1)
    // He never comes back.
    a.get('r1')
    a.invalidate('r1')
    await clock.settle()
    let kept = 0
    for (let second = 0; second < 20; second++) {
      if (a.get('r1') === undefined) a.set('r1', 'new')
      else kept++
      await clock.advance(1_000)
    }
    expect(kept).toBeGreaterThan(5)
  })

  it('keeps nothing of who missed it between two invalidations, nor of who missed it before both', async () => {
    const { a, clock } = await setUp(1)
    a.get('r1')
    a.invalidate('r1')
    await clock.advance(6_000)
    a.get('r1')
    a.invalidate('r1')
    await clock.advance(5_000)
    // The time of the first is over; the second may still come back with what he has read before.
    a.get('r1')
    a.set('r1', 'old')
    expect(a.get('r1')).toBeUndefined()
    await clock.advance(5_100)
    a.set('r1', 'new')
    expect(a.get('r1')).toBe('new')
  })

  it('shares its misses with other views of the same policy', async () => {
    const { a, caches } = await setUp()
    a.get('r1')
    a.invalidate('r1')
    caches[0]!.syncView(tables).set('r1', 'loaded before')
    expect(a.get('r1')).toBeUndefined()
  })

  it('does not let a crowd of misses make a late set pass for a new one', async () => {
    const { a } = await setUp(1)
    a.get('r1')
    for (let id = 0; id < 10_000; id++) a.get(`other ${id}`)
    a.invalidate('r1')
    a.set('r1', 'loaded before')
    expect(a.get('r1')).toBeUndefined()
  })

  it('S0-19: a set that is not authoritative sends nothing: others keep what they have', async () => {
    const { a, b, clock, caches } = await setUp()
    b.set('r1', 'of b')
    const before = caches[1]!.stats().invalidations
    a.get('r1')
    a.set('r1', 'of a')
    await clock.advance(3_000)
    expect([a.get('r1'), b.get('r1')]).toEqual(['of a', 'of b'])
    expect(caches[1]!.stats().invalidations).toBe(before)
  })

  it('an authoritative set is seen here at once, and ends the copies of others', async () => {
    const { a, b, clock, caches } = await setUp()
    b.set('r1', 'old')
    a.set('r1', 'new', { authoritative: true })
    expect(a.get('r1')).toBe('new')
    await clock.advance(1_000)
    expect(a.get('r1')).toBe('new')
    expect(b.get('r1')).toBeUndefined()
    expect(await caches[1]!.get(tables, 'r1')).toBe('new')
  })

  it('an authoritative set that something newer crossed leaves nothing here', async () => {
    const { a, b, clock, network, server, told } = await setUp()
    await open(a, clock)
    // So that only the refused set itself can tell.
    server.dropPush = true
    const held = network.hold('request', 'store', 1)
    a.set('r1', 'crossed', { authoritative: true })
    await clock.advance(1)
    b.invalidate('r1')
    await clock.advance(1)
    expect(a.get('r1')).toBe('crossed')
    held.release()
    await clock.advance(1)
    expect(a.get('r1')).toBeUndefined()
    expect(told('publish-failed')).toEqual([])
  })

  it('S0-3: after an invalidation in one process a sync read in another finds nothing within the bound', async () => {
    const { a, b, clock } = await setUp()
    b.set('r1', 'old')
    a.invalidate('r1')
    expect(a.get('r1')).toBeUndefined()
    await clock.advance(2_000)
    expect(b.get('r1')).toBeUndefined()
  })

  it('answers nothing that it cannot prove to be recent enough', async () => {
    const { a, clock, server } = await setUp(1)
    a.set('r1', 'v')
    for (let poll = 0; poll < 8; poll++) server.fail('logSince', new Error('down'))
    await clock.advance(3_000)
    expect(a.get('r1')).toBeUndefined()
    await clock.advance(2_000)
    expect(a.get('r1')).toBe('v')
  })

  it('keeps up with the log while nobody reads, by one small command a poll', async () => {
    const { a, clock, server } = await setUp(1)
    a.set('r1', 'v')
    const before = server.commands.logSince
    await clock.advance(20_000)
    expect(server.commands.logSince - before).toBe(40)
    expect(a.get('r1')).toBe('v')
  })

  it('sends a lost invalidation again', async () => {
    const { a, b, clock, server, told } = await setUp()
    b.set('r1', 'old')
    server.fail('unlink', new Error('lost'))
    a.invalidate('r1')
    await clock.advance(2_000)
    expect(b.get('r1')).toBeUndefined()
    expect(told('publish-failed')).toEqual([])
  })

  it('queues an invalidation that nobody acknowledges, until it is delivered', async () => {
    const { a, b, clock, server, caches, told } = await setUp()
    b.set('r1', 'old')
    for (let attempt = 0; attempt < 4; attempt++) server.fail('unlink', new Error('down'))
    a.invalidate('r1')
    await clock.advance(1)
    expect(told('invalidation-queued')).toHaveLength(1)
    expect(caches[0]!.stats().queuedInvalidations).toBe(1)
    await clock.advance(10_000)
    expect(caches[0]!.stats().queuedInvalidations).toBe(0)
    expect(b.get('r1')).toBeUndefined()
    expect(told('publish-failed')).toEqual([])
  })

  it('tells of an authoritative set that was lost, and keeps nothing of it here', async () => {
    const { a, clock, server, told } = await setUp(1)
    await open(a, clock)
    server.fail('store', new Error('down'))
    a.set('r1', 'new', { authoritative: true })
    await clock.advance(1)
    expect(a.get('r1')).toBeUndefined()
    expect(told('publish-failed')).toEqual([expect.objectContaining({ key: 'r1', operation: 'set' })])
  })

  it('is closed with its cache, which waits for what is on its way', async () => {
    const { a, b, clock, caches } = await setUp()
    b.set('r1', 'old')
    a.invalidate('r1')
    const closed = caches[0]!.close()
    expect(() => a.get('r1')).toThrow(expect.objectContaining({ code: 'CACHE_CLOSED' }))
    await clock.advance(1)
    expect(await closed).toEqual({ aborted: 0, undelivered: 0 })
    await clock.advance(2_000)
    expect(b.get('r1')).toBeUndefined()
  })

  it('refuses what it cannot take', async () => {
    const { a } = await setUp(1)
    expect(() => a.get(1.5 as unknown as string)).toThrow(/key must be/)
    expect(() => a.set('r1', 'v', { authoritative: 1 as unknown as boolean })).toThrow(/options.authoritative must be/)
    expect(() => a.set('r1', 'v', { ttl: 5 as never })).toThrow(/options.ttl/)
    expect(() => a.set('r1', 'v', { authorative: true } as never)).toThrow(/did you mean 'authoritative'/)
  })
})

describe('a sync view without memory', () => {
  it('is refused, with what is missing', async () => {
    twins = twinCaches(1)
    const { server, clock } = twins
    const cache: Cache = createCache({ tiers: [sharedTier({ server })], clock, random: seededRandom(9) })
    expect(() => cache.syncView(tables)).toThrow(/syncView needs a memory tier among createCache.tiers/)
    await cache.close()
  })
})

describe('a sync view of memory alone', () => {
  it('works the same, with nobody to tell', async () => {
    twins = twinCaches(0)
    const clock = fakeClock()
    const cache = createCache({ clock, random: seededRandom(1) })
    const view = cache.tenant('org-7').syncView(tables)
    view.get('r1')
    view.set('r1', 'v')
    expect(view.get('r1')).toBe('v')
    view.set('r1', 'w', { authoritative: true })
    expect(view.get('r1')).toBe('w')
    view.get('r2')
    view.invalidate('r1')
    view.invalidate('r2')
    view.set('r2', 'loaded before')
    expect([view.get('r1'), view.get('r2')]).toEqual([undefined, undefined])
    expect(cache.syncView(tables).get('r1')).toBeUndefined()
    await cache.close()
    expect(clock.pendingTimers).toBe(0)
  })
})
