import { afterEach, describe, expect, test } from 'vitest'
import { FreezeAwareClock } from '../../../src/core/freeze-aware-clock.js'
import { definePolicy } from '../../../src/index.js'
import { fakeClock } from '../../../src/testing/index.js'
import { Origin, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

const HOUR_MS = 3_600_000
const counts = definePolicy({ name: 'counts', ttl: '60s', jitter: 0 })
const lasting = definePolicy({ name: 'lasting', ttl: '24h', jitter: 0 })

describe('a process without timers whose machine was frozen: only the wall clock has moved', () => {
  let scene: TwinCaches
  afterEach(() => scene.close())

  /** The process goes on in a turn of its own. */
  const freeze = async (ms: number): Promise<void> => {
    scene.clock.wallOffsetMs += ms
    await scene.clock.advance(1)
  }

  test('asks the log before it answers from memory', async () => {
    scene = twinCaches(2, { pollInterval: '0ms', maxStaleness: '2s' })
    scene.server.dropPush = true
    const [a, b] = scene.caches as [(typeof scene.caches)[0], (typeof scene.caches)[0]]
    const origin = new Origin()
    expect(await a.getOrFill(lasting, 'k', origin.load)).toBe(1)
    origin.version = 2
    await b.delete(lasting, 'k')
    // Within the bound: what is held may answer.
    expect(await a.getOrFill(lasting, 'k', origin.load)).toBe(1)
    await freeze(HOUR_MS)
    expect(await a.getOrFill(lasting, 'k', origin.load)).toBe(2)
  })

  test('keeps what the log leaves valid, with one look for all who ask', async () => {
    scene = twinCaches(1, { pollInterval: '0ms' })
    const [a] = scene.caches as [(typeof scene.caches)[0]]
    const origin = new Origin()
    await a.getOrFill(lasting, 'k', origin.load)
    await freeze(HOUR_MS)
    const looksBefore = scene.server.commands.logSince
    const answers = await Promise.all(Array.from({ length: 50 }, () => a.getOrFill(lasting, 'k', origin.load)))
    expect([new Set(answers), origin.reads]).toEqual([new Set([1]), 1])
    expect(scene.server.commands.logSince - looksBefore).toBe(1)
    expect(a.stats().tiers).toMatchObject({ memory: { hits: 50 }, twin: { hits: 0 } })
  })

  test('does not take a value for fresh that is older than its ttl', async () => {
    scene = twinCaches(1, { pollInterval: '0ms' })
    const [a] = scene.caches as [(typeof scene.caches)[0]]
    await a.getOrFill(counts, 'k', () => 1)
    await freeze(HOUR_MS)
    expect(a.stats().staleness).toMatchObject({ syncedMsAgo: HOUR_MS + 1, isCurrent: false })
    expect(await a.getOrFill(counts, 'k', () => 2, { consistency: 'eventual' })).not.toBe(undefined)
    expect(a.stats().tiers.memory?.hits).toBe(0)
  })
})

describe('the clock that notices it', () => {
  test('adds what the wall clock ran ahead, each time', async () => {
    const inner = fakeClock()
    const clock = new FreezeAwareClock(inner)
    const start = clock.now()
    await inner.advance(100)
    expect([clock.now() - start, clock.coarseNow() - start]).toEqual([100, 100])
    for (let round = 1; round <= 3; round++) {
      inner.wallOffsetMs += HOUR_MS
      // The coarse clock looks once a turn, and a new turn begins with a new reading.
      await inner.advance(1)
      const expected = 100 + round * (HOUR_MS + 1)
      expect([clock.now() - start, clock.coarseNow() - start]).toEqual([expected, expected])
    }
  })

  test('never goes back, and notices a freeze after the wall clock was set back', () => {
    const inner = fakeClock()
    const clock = new FreezeAwareClock(inner)
    const start = clock.now()
    inner.wallOffsetMs -= HOUR_MS
    expect(clock.now()).toBe(start)
    inner.wallOffsetMs += 10_000
    expect(clock.now()).toBe(start + 10_000)
  })

  test('adds up what is too short to be told from the grain of the wall clock', () => {
    const inner = fakeClock()
    const clock = new FreezeAwareClock(inner)
    const start = clock.now()
    inner.wallOffsetMs += 15
    expect(clock.now()).toBe(start)
    inner.wallOffsetMs += 15
    expect(clock.now()).toBe(start + 30)
  })

  test('does not take a pause between two readings for a freeze', () => {
    const inner = fakeClock()
    let pausesMs = [0, 0]
    // The process loses the processor after its first look at the monotonic clock.
    const clock = new FreezeAwareClock({
      ...inner,
      now: () => inner.now(),
      wallNow: () => inner.wallNow() + (pausesMs.shift() ?? 0),
    })
    const start = clock.now()
    pausesMs = [500]
    expect(clock.now()).toBe(start)
  })
})
