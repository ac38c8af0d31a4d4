import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, definePolicy, type OnTimeout } from '../../../src/index.js'
import { deferred, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** One fill in the whole fleet: leader, followers, and what becomes of a lease. */
const coordinate = { leaseMs: 5_000, waitMs: 2_000, pollMinMs: 10, pollMaxMs: 250 }
const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, coordinate, fillTimeout: { hard: '60s' } })
const coordinated = { name: 'row-of-its-own', ttl: '60s', jitter: 0, coordinate } as const
const stale = definePolicy({ name: 'stale', ttl: '1s', jitter: 0, stale: { ifError: '1h' }, coordinate })

let open: TwinCaches | undefined

function setUp(count = 2): TwinCaches & { a: Cache; b: Cache } {
  open = twinCaches(count)
  const [a, b] = open.caches
  return { ...open, a: a!, b: b ?? a! }
}

afterEach(async () => {
  await open?.close()
  expect(open?.clock.pendingTimers).toBe(0)
  open = undefined
})

const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  )

/** A leader in process a whose fill is under way; process b has made itself ready to follow. */
async function leading(caches: TwinCaches & { a: Cache; b: Cache }, policy = row) {
  const loaded = deferred<number>()
  await caches.b.get(policy, 'other')
  const leader = caches.a.getOrFill(policy, 'k', () => loaded.promise)
  leader.catch(() => {})
  await caches.clock.settle()
  return { loaded, leader }
}

describe('the leader', () => {
  it('S1-25: fills once for all processes, and followers get its value', async () => {
    const caches = setUp()
    const { loaded, leader } = await leading(caches)
    const follower = caches.b.getOrFill(row, 'k', () => 9)
    await caches.clock.advance(300)
    loaded.resolve(1)
    await caches.clock.advance(300)
    expect([await leader, await follower]).toEqual([1, 1])
    expect(caches.b.stats()).toMatchObject({ fills: 0, followed: 1 })
  })

  it('S1-16: looks again as it takes the lease: what was stored meanwhile is not filled again', async () => {
    const { a, b, network } = setUp()
    await b.get(row, 'other')
    const acquire = network.hold('request', 'acquire', 2)
    const late = b.getOrFill(row, 'k', () => 9)
    await acquire.reached
    await a.getOrFill(row, 'k', () => 1)
    acquire.release()
    expect([await late, b.stats().fills]).toEqual([1, 0])
  })

  it('B15: keeps its lease while a fill takes longer than it', async () => {
    const caches = setUp()
    const { loaded, leader } = await leading(caches)
    await caches.clock.advance(12_000)
    const other = caches.b.getOrFill(row, 'k', () => 9)
    await caches.clock.advance(100)
    loaded.resolve(1)
    await caches.clock.advance(300)
    expect([await leader, await other]).toEqual([1, 1])
    expect(caches.server.commands.renew).toBeGreaterThanOrEqual(7)
  })

  it('B15: keeps it although single renewals fail', async () => {
    const caches = setUp()
    const { loaded, leader } = await leading(caches)
    caches.server.fail('renew', new Error('cut'))
    await caches.clock.advance(8_000)
    loaded.resolve(1)
    expect(await leader).toBe(1)
    expect(await caches.b.get(row, 'k')).toBe(1)
    expect(caches.a.stats().tiers.twin?.errors).toBe(1)
  })

  it('that lost its lease is told so, lets nobody join, and stores nothing', async () => {
    const caches = setUp()
    const events: string[] = []
    caches.a.on('*', ({ type }) => events.push(type))
    const { loaded, leader } = await leading(caches)
    caches.server.evict('0:|row@1|k', 'leases')
    await caches.clock.advance(1_700)
    expect(events).toContain('lease-lost')
    const late = caches.a.getOrFill(row, 'k', () => 2)
    await caches.clock.settle()
    loaded.resolve(1)
    expect([await leader, await late]).toEqual([1, 2])
    expect(await caches.b.get(row, 'k')).toBe(2)
    expect(caches.a.stats().fenced).toBe(1)
  })

  it('B20: whose fill never settles gives its lease back at the hard timeout', async () => {
    const caches = setUp()
    const { leader } = await leading(caches)
    await caches.clock.advance(60_000)
    expect(await reasonOf(leader)).toMatchObject({ code: 'FILL_TIMEOUT' })
    expect(await caches.b.getOrFill(row, 'k', () => 2)).toBe(2)
    expect(caches.b.stats().followed).toBe(0)
  })

  it('that is given up by its last caller gives its lease back', async () => {
    const { a, b, clock } = setUp()
    const giveUp = new AbortController()
    const early = reasonOf(a.getOrFill(row, 'k', () => new Promise<number>(() => {}), { signal: giveUp.signal }))
    await clock.settle()
    giveUp.abort('enough')
    expect(await early).toBe('enough')
    await clock.settle()
    expect(await b.getOrFill(row, 'k', () => 2)).toBe(2)
    expect(b.stats().followed).toBe(0)
  })

  it('whose value cannot be told to others rejects, gives its lease back, and keeps nothing', async () => {
    const { a, b } = setUp()
    const reason = await reasonOf(a.getOrFill(row, 'k', () => ({ list: [() => 1] }) as never))
    expect(reason).toMatchObject({ code: 'UNSERIALISABLE_VALUE' })
    expect(String(reason)).toMatch(/policy 'row' cannot be stored: list\[0\] is a function/)
    expect([await a.get(row, 'k'), await b.getOrFill(row, 'k', () => 2)]).toEqual([undefined, 2])
  })
})

describe('a follower', () => {
  it('S1-17: asks for the lease once, then only looks at the data, with growing pauses', async () => {
    const caches = setUp()
    const { loaded } = await leading(caches)
    const before = { ...caches.server.commands }
    const follower = caches.b.getOrFill(row, 'k', () => 9)
    await caches.clock.advance(1_900)
    const { acquire, follow } = caches.server.commands
    expect(acquire - before.acquire).toBe(1)
    expect(follow).toBeGreaterThan(7)
    expect(follow).toBeLessThan(60)
    loaded.resolve(1)
    await caches.clock.advance(100)
    expect(await follower).toBe(1)
  })

  it.each(['bounded', 'strict'] as const)(
    'that refreshes is not answered with the entry that the leader is about to replace: %s',
    async (consistency) => {
      const caches = setUp()
      const { a, b, clock } = caches
      const own = definePolicy({ ...coordinated, fill: async () => 9 })
      await a.set(own, 'k', 1)
      await b.get(own, 'other')
      const loaded = deferred<number>()
      const leader = a.refresh(definePolicy({ ...coordinated, fill: () => loaded.promise }), 'k')
      await clock.settle()
      const follower = b.refresh(own, 'k', { consistency })
      await clock.advance(300)
      loaded.resolve(2)
      await clock.advance(300)
      expect([await leader, await follower, b.stats().fills]).toEqual([2, 2, 0])
    },
  )

  it.each<[onTimeout: OnTimeout, way: 'one' | 'many', answer: unknown]>([
    ['fill', 'one', 2],
    ['fill', 'many', 2],
    ['hedge', 'one', 2],
    ['hedge', 'many', 2],
    ['throw', 'one', expect.objectContaining({ code: 'FOLLOWER_TIMEOUT' })],
    ['throw', 'many', expect.objectContaining({ code: 'FOLLOWER_TIMEOUT' })],
  ])('B14: after waitMs does as onTimeout %s says (%s), never answers nothing', async (onTimeout, way, answer) => {
    const caches = setUp()
    const policy = definePolicy({
      name: `on-${onTimeout}`,
      ttl: '60s',
      jitter: 0,
      coordinate: { ...coordinate, onTimeout },
    })
    const { loaded, leader } = await leading(caches, policy)
    const ask = (): Promise<unknown> =>
      way === 'one'
        ? caches.b.getOrFill(policy, 'k', () => 2)
        : caches.b.getOrFillMany(policy, ['k'], () => [['k', 2]]).then((map) => map.get('k'))
    const follower = ask().catch((error: unknown) => error)
    await caches.clock.advance(1_999)
    expect(caches.b.stats().fills).toBe(0)
    await caches.clock.advance(1)
    expect(await follower).toEqual(answer)
    loaded.resolve(1)
    expect(await leader).toBe(1)
    // Whatever the follower filled, it published nothing.
    expect(await caches.b.get(policy, 'k', { consistency: 'strict' })).toBe(1)
  })

  it('that hedges takes what was stored at the last moment instead of filling', async () => {
    const caches = setUp()
    const policy = definePolicy({
      name: 'hedged',
      ttl: '60s',
      jitter: 0,
      coordinate: { ...coordinate, onTimeout: 'hedge' },
    })
    const { loaded, leader } = await leading(caches, policy)
    const follower = caches.b.getOrFill(policy, 'k', () => 2)
    await caches.clock.settle()
    const acquire = caches.network.hold('request', 'acquire', 2)
    const ticking = caches.clock.advance(2_000)
    await acquire.reached
    loaded.resolve(1)
    await leader
    acquire.release()
    await ticking
    expect([await follower, caches.b.stats().fills]).toEqual([1, 0])
  })

  it('with a stale value at hand serves it after waitMs', async () => {
    const caches = setUp()
    await caches.a.set(stale, 'k', 1)
    await caches.clock.advance(1_000)
    const { loaded } = await leading(caches, stale)
    const follower = caches.b.getOrFill(stale, 'k', () => 9)
    await caches.clock.advance(2_000)
    expect([await follower, caches.b.stats().fills]).toEqual([1, 0])
    loaded.resolve(2)
  })

  it('with a stale value at hand that may not be served at once waits for the new one', async () => {
    const caches = setUp()
    await caches.a.set(stale, 'k', 1)
    await caches.clock.advance(1_000)
    const { loaded } = await leading(caches, stale)
    const follower = caches.b.getOrFill(stale, 'k', () => 9)
    await caches.clock.advance(1_000)
    loaded.resolve(2)
    await caches.clock.advance(250)
    expect(await follower).toBe(2)
  })

  it('with coordinate: false waits for nobody and publishes nothing', async () => {
    const caches = setUp()
    const alone = definePolicy({ name: 'alone', ttl: '60s', jitter: 0, coordinate: false })
    const { loaded, leader } = await leading(caches, alone)
    expect(await caches.b.getOrFill(alone, 'k', () => 2)).toBe(2)
    loaded.resolve(1)
    expect([await leader, caches.server.commands.follow]).toEqual([1, 0])
    expect(await caches.b.get(alone, 'k', { consistency: 'strict' })).toBe(1)
  })

  it('outlives a leader whose process is gone, at the cost of its own patience', async () => {
    const { b, server, clock } = setUp()
    await b.get(row, 'other')
    server.database('test').leases.set('0:|row@1|k', 'somebody-who-died', 60_000)
    const late = b.getOrFill(row, 'k', () => 2)
    await clock.advance(2_000)
    expect(await late).toBe(2)
  })

  it('that refreshes in the background for nobody leaves the work to the leader', async () => {
    const caches = setUp()
    const soon = definePolicy({ name: 'soon', ttl: '1s', jitter: 0, stale: { whileRevalidate: '10s' }, coordinate })
    await caches.b.getOrFill(soon, 'k', () => 1)
    await caches.clock.advance(1_000)
    const loaded = deferred<number>()
    expect(await caches.a.getOrFill(soon, 'k', () => loaded.promise)).toBe(1)
    await caches.clock.settle()
    expect(await caches.b.getOrFill(soon, 'k', () => 9)).toBe(1)
    await caches.clock.advance(3_000)
    expect(caches.b.stats().fills).toBe(1)
    loaded.resolve(2)
    await caches.clock.settle()
    expect(await caches.b.get(soon, 'k')).toBe(2)
  })
})
