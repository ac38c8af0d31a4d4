import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, type WarmOptions, type WarmReport } from '../../../src/index.js'
import { type FakeClock, fakeClock, seededRandom } from '../../../src/testing/index.js'

let clock: FakeClock
let cache: Cache
let running: number
let most: number

const squares = definePolicy({
  name: 'squares',
  ttl: '60s',
  fill: async (key: number, { signal }) => {
    running++
    most = Math.max(most, running)
    await new Promise<void>((resolve, reject) => {
      clock.setTimer(resolve, 100)
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    }).finally(() => running--)
    if (key === 13) throw new Error('unlucky')
    return key * key
  },
})

beforeEach(() => {
  clock = fakeClock()
  cache = createCache({ clock, random: seededRandom(1) })
  running = most = 0
})
afterEach(async () => {
  const closed = cache.close({ graceMs: 0 })
  await clock.advance(1_000)
  await closed
})

const keys = (count: number) => Array.from({ length: count }, (_, key) => key)

async function warmed(items: Iterable<number> | AsyncIterable<number>, options?: WarmOptions): Promise<WarmReport> {
  const report = cache.warm(squares, items, options)
  await clock.advance(60_000)
  return report
}

describe('warm', () => {
  it('fills keys, a bounded number at once', async () => {
    expect(await warmed(keys(12), { concurrency: 3 })).toEqual({ warmed: 12, failed: 0, errors: [] })
    expect(most).toBe(3)
  })

  it('takes as many at once as asked for, ten by default', async () => {
    await warmed(keys(12))
    expect(most).toBe(10)
  })

  it('leaves alone what is held fresh', async () => {
    await warmed(keys(5))
    const { fills } = cache.stats()
    await clock.advance(0)
    const again = cache.warm(squares, [])
    expect(await again).toEqual({ warmed: 0, failed: 0, errors: [] })
    expect(cache.stats().fills).toBe(fills)
  })

  it('goes on after one that fails, and tells of it', async () => {
    const report = await warmed(keys(20))
    expect(report).toMatchObject({ warmed: 19, failed: 1 })
    expect(report.errors).toEqual([expect.objectContaining({ message: 'unlucky' })])
  })

  it('sets pairs', async () => {
    const report = await cache.tenant('org').warm(
      squares,
      new Map([
        [3, 9],
        [4, 16],
      ]),
    )
    expect(report).toEqual({ warmed: 2, failed: 0, errors: [] })
    expect([cache.tenant('org').peek(squares, 3), cache.peek(squares, 3)]).toEqual([9, undefined])
  })

  it('tells how far it is after each entry', async () => {
    const told: number[] = []
    await warmed(keys(5), { concurrency: 1, onProgress: ({ warmed, failed }) => told.push(warmed + failed) })
    expect(told).toEqual([1, 2, 3, 4, 5])
  })

  it('takes from an endless async source only what it can use, and closes it', async () => {
    let given = 0
    let isClosed = false
    async function* source() {
      try {
        for (;;) yield given++
      } finally {
        isClosed = true
      }
    }
    const abort = new AbortController()
    const report = cache.warm(squares, source(), { concurrency: 2, signal: abort.signal })
    const outcome = expect(report).rejects.toThrow('enough')
    await clock.advance(450)
    abort.abort(new Error('enough'))
    await clock.advance(1)
    await outcome
    expect(given).toBeLessThan(14)
    expect(isClosed).toBe(true)
    expect(running).toBe(0)
  })

  it('begins nothing more once it has rejected, whatever the reason', async () => {
    let given = 0
    // Ends some time, for a test that fails must end.
    const next = () => ({ done: given > 100, value: given++ })
    const source: Iterable<number> = { [Symbol.iterator]: () => ({ next }) }
    const onProgress = ({ warmed }: WarmReport) => {
      if (warmed === 4) throw new Error('no more')
    }
    const report = cache.warm(squares, source, { concurrency: 2, onProgress })
    const outcome = expect(report).rejects.toThrow('no more')
    await clock.advance(250)
    await outcome
    const then = given
    await clock.advance(5_000)
    expect(given).toBe(then)
    expect(running).toBe(0)
  })

  it('ends with its cache', async () => {
    let given = 0
    const next = () => ({ done: given > 1_000, value: given++ })
    const report = cache.warm(squares, { [Symbol.iterator]: () => ({ next }) }, { concurrency: 2 })
    const outcome = expect(report).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
    const closed = cache.close({ graceMs: 0 })
    await clock.advance(200)
    await Promise.all([outcome, closed])
    expect(given).toBeLessThan(10)
  })

  it('rejects with the source’s own error', async () => {
    function* source() {
      yield 1
      throw new Error('the list broke')
    }
    const report = cache.warm(squares, source())
    const outcome = expect(report).rejects.toThrow('the list broke')
    await clock.advance(200)
    await outcome
  })

  it.each<[unknown, object | undefined, RegExp]>([
    ['text', undefined, /warm: items must be keys, or pairs/],
    [5, undefined, /warm: items must be keys, or pairs/],
    [[], { concurrency: 0 }, /warm.concurrency must be .*got 0/],
    [[], { concurrency: 1_001 }, /warm.concurrency must be at most 1000/],
    [[], { signal: 1 }, /warm.signal must be an AbortSignal/],
    [[], { onProgress: 1 }, /warm.onProgress must be a function/],
    [[], { parallel: 1 }, /warm.parallel is no option/],
  ])('refuses %o with %o', async (items, options, message) => {
    await expect(cache.warm(squares, items as number[], options as WarmOptions)).rejects.toThrow(message)
  })
})
