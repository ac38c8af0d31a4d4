import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy } from '../../../src/index.js'
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

/** Callers who come, or give up, while a flight is at a point of its life that is easily forgotten. Shared tier only. */
const soon = definePolicy({
  name: 'soon',
  ttl: '1s',
  jitter: 0,
  stale: { whileRevalidate: '1s', ifError: '1h' },
  fillTimeout: { hard: '60s' },
})
const impatient = definePolicy({
  name: 'impatient',
  ttl: '1s',
  jitter: 0,
  stale: { ifError: '1s' },
  fillTimeout: { soft: '100ms', hard: '60s' },
})

let clock: FakeClock
let server: TwinServer
let network: Network
let caches: Cache[]

function setUp(): [Cache, Cache] {
  clock = fakeClock()
  network = new Network()
  server = createTwinServer({ clock, random: seededRandom(1), deliver: network.deliver })
  caches = [1, 2].map((seed) => createCache({ tiers: [sharedTier({ server })], clock, random: seededRandom(seed) }))
  return caches as [Cache, Cache]
}

afterEach(async () => {
  const closed = Promise.all(caches.map((cache) => cache.close({ graceMs: 0 })))
  await clock.advance(1_000)
  await closed
  expect(clock.pendingTimers).toBe(0)
})

describe('a flight that was answered early with a stale value', () => {
  it('gives it to who joins within whileRevalidate, and its own value to who joins later', async () => {
    const [a] = setUp()
    await a.set(soon, 'k', 1)
    await clock.advance(1_000)
    const loaded = deferred<number>()
    expect(await a.getOrFill(soon, 'k', () => loaded.promise)).toBe(1)
    await clock.advance(999)
    expect(await a.getOrFill(soon, 'k', () => 9)).toBe(1)
    await clock.advance(1)
    const late = a.getOrFill(soon, 'k', () => 9)
    await clock.settle()
    loaded.resolve(2)
    expect([await late, a.stats().fills]).toEqual([2, 1])
  })

  it('after the soft timeout gives it for as long as it may stand in', async () => {
    const [a] = setUp()
    await a.set(impatient, 'k', 1)
    await clock.advance(1_000)
    const loaded = deferred<number>()
    const first = a.getOrFill(impatient, 'k', () => loaded.promise)
    await clock.advance(100)
    expect(await first).toBe(1)
    await clock.advance(899)
    expect(await a.getOrFill(impatient, 'k', () => 9)).toBe(1)
    await clock.advance(1)
    const late = a.getOrFill(impatient, 'k', () => 9)
    loaded.resolve(2)
    expect(await late).toBe(2)
  })

  it('is not aborted by the early callers who leave, but by the late ones', async () => {
    const [a] = setUp()
    await a.set(soon, 'k', 1)
    await clock.advance(1_000)
    const [early, late] = [new AbortController(), new AbortController()]
    let signal: AbortSignal | undefined
    const fill = (ctx: { signal: AbortSignal }) => {
      signal = ctx.signal
      return new Promise<number>(() => {})
    }
    await a.getOrFill(soon, 'k', fill, { signal: early.signal })
    early.abort('early')
    await clock.advance(1_000)
    expect(signal?.aborted).toBe(false)
    const call = a.getOrFill(soon, 'k', fill, { signal: late.signal }).catch((reason: unknown) => reason)
    await clock.settle()
    late.abort('late')
    expect([await call, signal?.reason]).toEqual(['late', 'late'])
  })
})

describe('a refresh in the background whose lease is elsewhere', () => {
  it('follows the leader for a caller who joined after the window, and gives no stale value', async () => {
    const [a, b] = setUp()
    await a.set(soon, 'k', 1)
    await clock.advance(1_000)
    const loaded = deferred<number>()
    expect(await a.getOrFill(soon, 'k', () => loaded.promise)).toBe(1)
    await clock.settle()
    await clock.advance(900)
    const acquire = network.hold('reply', 'acquire', 2)
    expect(await b.getOrFill(soon, 'k', () => 9)).toBe(1)
    await acquire.reached
    await clock.advance(100)
    const late = b.getOrFill(soon, 'k', () => 9)
    await clock.settle()
    acquire.release()
    await clock.advance(100)
    loaded.resolve(2)
    await clock.advance(250)
    expect([await late, b.stats().fills]).toEqual([2, 0])
  })
})

describe('a caller who gives up', () => {
  it('while the cache waits for the log is heard', async () => {
    const [a] = setUp()
    const tail = network.hold('reply', 'tail', 1)
    const giveUp = new AbortController()
    let fills = 0
    const fill = () => {
      fills++
      return new Promise<number>(() => {})
    }
    const call = a.getOrFill(soon, 'k', fill, { signal: giveUp.signal }).catch((reason: unknown) => reason)
    await tail.reached
    giveUp.abort('enough')
    tail.release()
    expect(await call).toBe('enough')
    await clock.settle()
    expect([fills, a.stats().fills, server.commands.release]).toEqual([0, 0, server.commands.acquire])
  })

  it('before a refresh begins none', async () => {
    const [a] = setUp()
    const own = definePolicy({ name: 'own', ttl: '1s', fill: () => 1 })
    const call = a.refresh(own, 'k', { signal: AbortSignal.abort('gone') })
    await expect(call).rejects.toBe('gone')
    expect(a.stats().fills).toBe(0)
  })
})
