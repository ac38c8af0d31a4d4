import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier, type Scope } from '../../../src/index.js'
import {
  createTwinServer,
  type FakeClock,
  fakeClock,
  seededRandom,
  sharedTier,
  type TwinServer,
} from '../../../src/testing/index.js'
import { Network } from '../../kit/network.js'
import { deferred } from '../../kit/twin-caches.js'

const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, fill: () => 'own' })

let clock: FakeClock
let network: Network
let server: TwinServer
let cache: Cache

beforeEach(() => {
  clock = fakeClock()
  network = new Network()
  server = createTwinServer({ clock, random: seededRandom(1), deliver: network.deliver })
  cache = createCache({ tiers: [memoryTier(), sharedTier({ server })], ttl: '60s', clock, random: seededRandom(2) })
})

afterEach(async () => {
  const closed = cache.close()
  await clock.advance(10_000)
  await closed
  expect(clock.pendingTimers).toBe(0)
})

const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  )

describe('after close', () => {
  const calls: Record<string, (scope: Scope) => unknown> = {
    getOrFill: (scope) => scope.getOrFill(row, 'k', () => 'filled'),
    'getOrFill of the default policy': (scope) => scope.getOrFill('k', () => 'filled'),
    getOrFillEntry: (scope) => scope.getOrFillEntry(row, 'k'),
    getOrFillMany: (scope) => scope.getOrFillMany(row, ['k'], () => []),
    'getOrFillMany by the own fill': (scope) => scope.getOrFillMany(row, ['k']),
    get: (scope) => scope.get(row, 'k'),
    getEntry: (scope) => scope.getEntry(row, 'k'),
    getMany: (scope) => scope.getMany(row, ['k']),
    peek: (scope) => scope.peek(row, 'k'),
    refresh: (scope) => scope.refresh(row, 'k'),
    set: (scope) => scope.set(row, 'k', 'x'),
    setMany: (scope) => scope.setMany(row, [['k', 'x']]),
    delete: (scope) => scope.delete(row, 'k'),
    deleteMany: (scope) => scope.deleteMany(row, ['k']),
    invalidate: (scope) => scope.invalidate({ tags: ['t'] }),
    clear: (scope) => scope.clear(),
    invalidatePattern: (scope) => scope.invalidatePattern(row, '*'),
    bind: (scope) => scope.bind(row),
    tenant: () => cache.tenant('a'),
  }

  it.each(Object.entries(calls))(
    '%s is refused, also while close is still at work, also on a hot key',
    async (_name, call) => {
      const tenant = cache.tenant('a')
      for (const scope of [cache, tenant]) await scope.getOrFill(row, 'k')
      const gate = deferred<string>()
      const slow = cache.getOrFill(row, 'slow', () => gate.promise)
      await clock.settle()
      const closed = cache.close()
      const before = cache.stats().fills
      for (const round of ['closing', 'closed']) {
        for (const scope of [cache, tenant]) {
          const outcome = await reasonOf(Promise.resolve().then(() => call(scope)))
          expect([round, outcome]).toEqual([round, expect.objectContaining({ code: 'CACHE_CLOSED' })])
        }
        gate.resolve('done')
        await closed
      }
      expect([await slow, cache.stats().fills]).toEqual(['done', before])
    },
  )
})

describe('close', () => {
  it('answers a second call with the same promise', async () => {
    const first = cache.close()
    expect(cache.close({ graceMs: 1 })).toBe(first)
    expect(await first).toEqual({ aborted: 0, undelivered: 0 })
    expect(cache.close()).toBe(first)
  })

  it('lets fills under way commit within the grace', async () => {
    const other = createCache({ tiers: [sharedTier({ server })], clock, random: seededRandom(3) })
    const gate = deferred<string>()
    const call = cache.getOrFill(row, 'k', () => gate.promise)
    await clock.settle()
    const closed = cache.close({ graceMs: 1_000 })
    await clock.advance(999)
    gate.resolve('late')
    expect([await call, await closed]).toEqual(['late', { aborted: 0, undelivered: 0 }])
    expect(await other.get(row, 'k')).toBe('late')
    await other.close()
  })

  it('aborts what is left after the grace, gives leases back, and says how many there were', async () => {
    const signals: AbortSignal[] = []
    const calls = ['a', 'b'].map((key) =>
      reasonOf(
        cache.getOrFill(row, key, (ctx) => {
          signals.push(ctx.signal)
          return new Promise<string>(() => {})
        }),
      ),
    )
    await clock.settle()
    const closed = cache.close({ graceMs: 1_000 })
    await clock.advance(999)
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false])
    await clock.advance(1)
    expect(await closed).toEqual({ aborted: 2, undelivered: 0 })
    for (const reason of await Promise.all(calls)) expect(reason).toMatchObject({ code: 'CACHE_CLOSED' })
    expect(server.commands.release).toBe(2)
  })

  it('aborts followers and batches too', async () => {
    const other = createCache({ tiers: [sharedTier({ server })], clock, random: seededRandom(3) })
    const gate = deferred<string>()
    const leader = other.getOrFill(row, 'k', () => gate.promise)
    await clock.settle()
    const follower = reasonOf(cache.getOrFill(row, 'k'))
    const batch = reasonOf(cache.getOrFillMany(row, ['k', 'x'], () => new Promise<never>(() => {})))
    await clock.settle()
    const closed = cache.close({ graceMs: 0 })
    await clock.advance(0)
    expect(await closed).toEqual({ aborted: 2, undelivered: 0 })
    for (const reason of [await follower, await batch]) expect(reason).toMatchObject({ code: 'CACHE_CLOSED' })
    gate.resolve('x')
    await leader
    await other.close()
  })

  it('refuses a call that was waiting for the log, so that no fill begins afterwards', async () => {
    const tail = network.hold('reply', 'tail', 1)
    let fills = 0
    const call = reasonOf(cache.getOrFill(row, 'k', () => `${++fills}`))
    const batch = reasonOf(cache.getOrFillMany(row, ['k'], () => [['k', `${++fills}`]]))
    await tail.reached
    const closed = cache.close()
    tail.release()
    for (const reason of [await call, await batch]) expect(reason).toMatchObject({ code: 'CACHE_CLOSED' })
    await closed
    expect([fills, clock.pendingTimers]).toEqual([0, 0])
  })

  it('waits for stores and invalidations that were sent', async () => {
    await cache.get(row, 'k')
    const held = ['store', 'unlink'].map((command) => network.hold('request', command, 1))
    const stored = cache.set(row, 'a', 'x')
    const deleted = cache.delete(row, 'b')
    await Promise.all(held.map((one) => one.reached))
    const order: string[] = []
    const closed = cache.close().then(() => order.push('closed'))
    void stored.then(() => order.push('stored'))
    void deleted.then(() => order.push('deleted'))
    for (const one of held) one.release()
    await closed
    expect(order.sort()).toEqual(['closed', 'deleted', 'stored'])
    expect((await deleted).state).toBe('acknowledged')
  })

  it('waits for a refresh in the background', async () => {
    const soon = definePolicy({ name: 'soon', ttl: '1s', jitter: 0, stale: { whileRevalidate: '10s' } })
    await cache.set(soon, 'k', 1)
    await clock.advance(1_000)
    const gate = deferred<number>()
    expect(await cache.getOrFill(soon, 'k', () => gate.promise)).toBe(1)
    let isClosed = false
    const closed = cache.close().then(() => {
      isClosed = true
    })
    await clock.settle()
    expect(isClosed).toBe(false)
    gate.resolve(2)
    await closed
  })

  it('is what `await using` calls', async () => {
    await cache[Symbol.asyncDispose]()
    expect(await reasonOf(cache.get(row, 'k'))).toMatchObject({ code: 'CACHE_CLOSED' })
  })

  it('releases the rest although one part cannot be', async () => {
    const broken = sharedTier({ server })
    const definition = {
      ...broken,
      open: (context: Parameters<typeof broken.open>[0]) => {
        const tier = broken.open(context)
        tier.subscribe = async () => () => Promise.reject(new Error('stuck'))
        return tier
      },
    }
    const own = createCache({ tiers: [memoryTier(), definition], clock, random: seededRandom(3) })
    await own.set(row, 'k', 'x')
    await own.get(row, 'k')
    expect(await reasonOf(own.close())).toMatchObject({ message: 'stuck' })
    expect(own.stats().tiers.memory?.entries).toBe(0)
  })

  it('leaves stats readable', async () => {
    await cache.getOrFill(row, 'k')
    await cache.close()
    expect(cache.stats()).toMatchObject({ fills: 1, flights: 0 })
  })
})
