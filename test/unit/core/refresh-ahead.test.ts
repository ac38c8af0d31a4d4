import { afterEach, describe, expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { deferred, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

const ahead = definePolicy<number>({ name: 'ahead', ttl: '10s', jitter: 0, refreshAhead: { beta: 1 } })
const never = definePolicy<number>({ name: 'never', ttl: '10s', jitter: 0 })

let twins: TwinCaches | undefined
afterEach(() => twins?.close())

/** An origin whose answers take a second, and caches over it. */
function setUp(count = 1, seed = 1) {
  twins = twinCaches(count, { seed })
  const { clock, caches } = twins
  let version = 0
  const fill = async (): Promise<number> => {
    const mine = ++version
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 1_000))
    return mine
  }
  const filled = async (cache = caches[0]!, policy = ahead): Promise<void> => {
    const value = cache.getOrFill(policy, 'k', fill)
    await clock.advance(1_000)
    await value
  }
  /** Reads every 100 ms for so long; what was answered. */
  const read = async (ms: number, cache = caches[0]!, policy = ahead): Promise<number[]> => {
    const answers: Promise<number>[] = []
    for (let step = 0; step < ms; step += 100) {
      answers.push(cache.getOrFill(policy, 'k', fill))
      await clock.advance(100)
    }
    await clock.advance(1_000)
    return Promise.all(answers)
  }
  return { ...twins, fill, filled, read, fills: () => version }
}

describe('refreshing ahead', () => {
  it('fills anew before the life is over, so that nobody finds nothing', async () => {
    const { caches, filled, read, fills } = setUp()
    await filled()
    await read(60_000)
    const { misses, fills: counted } = caches[0]!.stats()
    expect(misses).toBe(1)
    expect(counted).toBe(fills())
    // About once a life, a little early; never in each read.
    expect(fills()).toBeGreaterThanOrEqual(6)
    expect(fills()).toBeLessThanOrEqual(14)
  })

  it('answers what is held meanwhile, and the new value afterwards', async () => {
    const { filled, read } = setUp()
    await filled()
    const answers = await read(15_000)
    expect(answers).toEqual([...answers].sort((a, b) => a - b))
    expect(new Set(answers).size).toBeGreaterThan(1)
  })

  it('leaves a young value alone: the chance depends on the fill’s usual duration', async () => {
    const { filled, read, fills } = setUp()
    await filled()
    await read(1_000)
    expect(fills()).toBe(1)
  })

  it('has at most one flight for a key', async () => {
    const { caches, clock, filled, fills } = setUp()
    await filled()
    await clock.advance(9_900)
    const hanging = deferred<number>()
    let asked = 0
    const slow = () => {
      asked++
      return hanging.promise
    }
    for (let read = 0; read < 200; read++) await caches[0]!.getOrFill(ahead, 'k', slow)
    await clock.advance(1)
    expect(asked).toBe(1)
    hanging.resolve(50)
    await clock.advance(1)
    expect(await caches[0]!.getOrFill(ahead, 'k', slow)).toBe(50)
    expect(fills()).toBe(1)
  })

  it('lets who comes too late for the old value join the flight', async () => {
    const { caches, clock, filled } = setUp()
    await filled()
    await clock.advance(9_900)
    const hanging = deferred<number>()
    for (let read = 0; read < 200; read++) await caches[0]!.getOrFill(ahead, 'k', () => hanging.promise)
    await clock.advance(200)
    const late = caches[0]!.getOrFill(ahead, 'k', () => 99)
    await clock.advance(1)
    hanging.resolve(50)
    await clock.advance(1)
    expect(await late).toBe(50)
  })

  it('lives with a fill that fails: the value goes on to its end', async () => {
    const { caches, clock, filled } = setUp()
    await filled()
    await clock.advance(9_500)
    const fail = () => Promise.reject(new Error('down'))
    for (let read = 0; read < 50; read++) expect(await caches[0]!.getOrFill(ahead, 'k', fail)).toBe(1)
    await clock.advance(1)
    expect(caches[0]!.stats().fillErrors).toBeGreaterThan(0)
  })

  it('does not keep what it loaded before an invalidation', async () => {
    const { caches, clock, filled } = setUp()
    await filled()
    await clock.advance(9_900)
    const hanging = deferred<number>()
    for (let read = 0; read < 200; read++) await caches[0]!.getOrFill(ahead, 'k', () => hanging.promise)
    const deleted = caches[0]!.delete(ahead, 'k')
    await clock.advance(1)
    await deleted
    hanging.resolve(50)
    await clock.advance(1)
    expect(await caches[0]!.get(ahead, 'k')).toBeUndefined()
  })

  it('takes over what another process has refreshed', async () => {
    const { caches, clock, filled, fill, fills } = setUp(2)
    await filled(caches[0])
    await caches[1]!.getOrFill(ahead, 'k', fill)
    await clock.advance(9_500)
    const refreshed = caches[0]!.refresh(
      definePolicy({ name: 'ahead', ttl: '10s', jitter: 0, refreshAhead: { beta: 1 }, fill: (_: string) => fill() }),
      'k',
    )
    await clock.advance(1_000)
    await refreshed
    // This process has measured no fill of its own yet, so it does not refresh by itself.
    expect(await caches[1]!.getOrFill(ahead, 'k', fill)).toBe(2)
    expect(fills()).toBe(2)
  })

  it('is also for calls with options', async () => {
    const { caches, clock, filled } = setUp()
    await filled()
    await clock.advance(9_900)
    let asked = 0
    for (let read = 0; read < 200; read++) {
      await caches[0]!.getOrFill(ahead, 'k', () => ++asked + 10, { tags: ['t'] })
      await clock.settle()
    }
    expect(asked).toBeGreaterThan(0)
  })

  it('is off by default', async () => {
    const { caches, read, filled, fills } = setUp()
    await filled(caches[0], never)
    await read(9_000, caches[0], never)
    expect(fills()).toBe(1)
  })

  it.each([[{ beta: 0 }], [{ beta: -1 }], [{ beta: 11 }], [{ beta: NaN }], [{ beta: '1' }], [{}]])(
    'refuses %o',
    (refreshAhead) => {
      twins = undefined
      const define = () => definePolicy({ name: 'p', ttl: '1s', refreshAhead: refreshAhead as { beta: number } })
      expect(define).toThrow(/policy 'p': refreshAhead.beta must be a number above 0 and at most 10/)
    },
  )
})
