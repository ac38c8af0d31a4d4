import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, FillTimeoutError } from '../../../src/index.js'
import { type FakeClock, fakeClock, seededRandom } from '../../../src/testing/index.js'
import { deferred } from '../../kit/twin-caches.js'

const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, fillTimeout: { hard: '5s' } })
const narrow = definePolicy({ name: 'narrow', ttl: '60s', bulkhead: { maxFills: 2, maxQueued: 1 } })

let clock: FakeClock
let cache: Cache

beforeEach(() => {
  clock = fakeClock()
  cache = createCache({ clock, random: seededRandom(1) })
})

afterEach(async () => {
  const closed = cache.close({ graceMs: 0 })
  await clock.advance(0)
  await closed
  expect(clock.pendingTimers).toBe(0)
})

const never = (): Promise<never> => new Promise(() => {})
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  )

describe('50 callers on one cold key', () => {
  it('share one fill', async () => {
    const loaded = deferred<object>()
    let fills = 0
    const fill = () => {
      fills++
      return loaded.promise
    }
    const calls = Array.from({ length: 50 }, () => cache.getOrFill(row, 'k', fill))
    await clock.settle()
    const value = { a: 1 }
    loaded.resolve(value)
    for (const got of await Promise.all(calls)) expect(got).toBe(value)
    expect(fills).toBe(1)
  })

  it('share the very error of a fill that fails, none waits for another attempt, and the next call tries again', async () => {
    const loaded = deferred<number>()
    let fills = 0
    const fill = () => {
      fills++
      return loaded.promise
    }
    const calls = Array.from({ length: 50 }, () => reasonOf(cache.getOrFill(row, 'k', fill)))
    await clock.settle()
    const error = new Error('down')
    loaded.reject(error)
    for (const reason of await Promise.all(calls)) expect(reason).toBe(error)
    expect(fills).toBe(1)
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(2)
  })

  it('share an error that is thrown at once, or is no Error', async () => {
    const calls = Array.from({ length: 50 }, () =>
      reasonOf(
        cache.getOrFill(row, 'k', () => {
          throw 'down'
        }),
      ),
    )
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['down']))
    expect(cache.stats().fills).toBe(1)
  })

  it('are one flight across getOrFill, getOrFillEntry and getOrFillMany', async () => {
    const loaded = deferred<number>()
    const fill = () => loaded.promise
    const one = cache.getOrFill(row, 'k', fill)
    const entry = cache.getOrFillEntry(row, 'k', fill)
    const many = cache.getOrFillMany(row, ['k', 'l'], (keys) => keys.map((key) => [key, 9] as const))
    await clock.settle()
    loaded.resolve(1)
    expect([await one, await entry]).toMatchObject([1, { state: 'fresh', value: 1, source: 'flight' }])
    expect(await many).toEqual(
      new Map([
        ['k', 1],
        ['l', 9],
      ]),
    )
  })

  it('who only read do not wait for it', async () => {
    void cache.getOrFill(row, 'k', never).catch(() => {})
    await clock.settle()
    expect(await cache.get(row, 'k')).toBeUndefined()
  })

  it('whose fill calls the cache for another key do not wait for each other', async () => {
    const outer = cache.getOrFill(row, 'a', async () => (await cache.getOrFill(row, 'b', () => 1)) + 1)
    expect(await outer).toBe(2)
  })
})

describe('a caller who gives up', () => {
  it('leaves the others their fill', async () => {
    const loaded = deferred<number>()
    const giveUp = new AbortController()
    let signal: AbortSignal | undefined
    const first = reasonOf(
      cache.getOrFill(
        row,
        'k',
        (ctx) => {
          signal = ctx.signal
          return loaded.promise
        },
        { signal: giveUp.signal },
      ),
    )
    const second = cache.getOrFill(row, 'k', () => 0)
    await clock.settle()
    giveUp.abort('enough')
    expect(await first).toBe('enough')
    expect(signal?.aborted).toBe(false)
    loaded.resolve(1)
    expect(await second).toBe(1)
  })

  it('as the last one aborts the fill, and who comes then gets one of its own', async () => {
    const [one, two] = [new AbortController(), new AbortController()]
    let signal: AbortSignal | undefined
    const fill = (ctx: { signal: AbortSignal }) => {
      signal = ctx.signal
      return never()
    }
    const calls = [one, two].map((each) => reasonOf(cache.getOrFill(row, 'k', fill, { signal: each.signal })))
    await clock.settle()
    one.abort('one')
    expect(signal?.aborted).toBe(false)
    two.abort('two')
    const late = cache.getOrFill(row, 'k', () => 2)
    expect(await Promise.all(calls)).toEqual(['one', 'two'])
    expect(signal?.reason).toBe('two')
    expect(await late).toBe(2)
  })

  it('before the call begins no fill', async () => {
    const reason = await reasonOf(cache.getOrFill(row, 'k', () => 1, { signal: AbortSignal.abort('gone') }))
    expect([reason, cache.stats().fills, cache.stats().flights]).toEqual(['gone', 0, 0])
  })

  it('of a batch that others joined leaves them the fill', async () => {
    const loaded = deferred<number>()
    const giveUp = new AbortController()
    const fillMany = async (keys: string[]) => {
      const value = await loaded.promise
      return keys.map((key) => [key, value] as const)
    }
    const many = reasonOf(cache.getOrFillMany(row, ['a', 'b'], fillMany as never, { signal: giveUp.signal }))
    await clock.settle()
    const joined = cache.getOrFill(row, 'b', () => 0)
    await clock.settle()
    giveUp.abort('enough')
    expect(await many).toBe('enough')
    loaded.resolve(1)
    expect(await joined).toBe(1)
  })

  it('leaves no listener on a signal that lives long', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = ((...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }) as never
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }) as never
    for (let n = 0; n < 20; n++) await cache.getOrFill(row, n, () => n, { signal })
    expect(listeners).toBe(0)
  })
})

describe('B20: a fill that never settles', () => {
  it('is let go at the hard timeout, its signal aborted, and its key usable again', async () => {
    let signal: AbortSignal | undefined
    const stuck = reasonOf(
      cache.getOrFill(row, 'k', (ctx) => {
        signal = ctx.signal
        return never()
      }),
    )
    await clock.advance(4_999)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    const reason = await stuck
    expect(reason).toBeInstanceOf(FillTimeoutError)
    expect(String(reason)).toMatch(/'row' took longer than fillTimeout.hard \(5000 ms\)/)
    expect(signal?.aborted).toBe(true)
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(2)
  })

  it('and settles after all changes nothing any more', async () => {
    const late = deferred<number>()
    const stuck = reasonOf(cache.getOrFill(row, 'k', () => late.promise))
    await clock.advance(5_000)
    await stuck
    late.resolve(1)
    await clock.settle()
    expect(await cache.get(row, 'k')).toBeUndefined()
  })
})

describe('a bulkhead', () => {
  it('runs so many fills at once, lets so many wait, and refuses the next', async () => {
    const gates = [deferred<number>(), deferred<number>(), deferred<number>()]
    let running = 0
    const calls = gates.map((gate, n) =>
      cache.getOrFill(narrow, n, () => {
        running++
        return gate.promise
      }),
    )
    await clock.settle()
    expect(running).toBe(2)
    expect(await reasonOf(cache.getOrFill(narrow, 9, () => 9))).toMatchObject({ code: 'BULKHEAD_FULL' })
    gates[0]!.resolve(0)
    await clock.settle()
    expect(running).toBe(3)
    gates[1]!.resolve(1)
    gates[2]!.resolve(2)
    expect(await Promise.all(calls)).toEqual([0, 1, 2])
    expect(await cache.getOrFill(narrow, 9, () => 9)).toBe(9)
  })

  it('gives the place of a caller who gave up in the queue to the next', async () => {
    const gate = deferred<number>()
    const busy = [0, 1].map((n) => cache.getOrFill(narrow, n, () => gate.promise))
    await clock.settle()
    const giveUp = new AbortController()
    const queued = reasonOf(cache.getOrFill(narrow, 2, () => 2, { signal: giveUp.signal }))
    await clock.settle()
    giveUp.abort('enough')
    expect(await queued).toBe('enough')
    const next = cache.getOrFill(narrow, 3, () => 3)
    gate.resolve(0)
    expect([await next, ...(await Promise.all(busy))]).toEqual([3, 0, 0])
    expect(cache.stats().fills).toBe(3)
  })

  it('gets its place back from fills that fail or never settle', async () => {
    const brief = definePolicy({ name: 'brief', ttl: '1s', fillTimeout: { hard: '1s' }, bulkhead: { maxFills: 1 } })
    const stuck = reasonOf(cache.getOrFill(brief, 1, never))
    const failed = reasonOf(
      cache.getOrFill(brief, 2, () => {
        throw 'no'
      }),
    )
    const last = cache.getOrFill(brief, 3, () => 3)
    await clock.advance(1_000)
    await stuck
    expect([await failed, await last]).toEqual(['no', 3])
  })

  it('counts the wait for a place into the hard timeout', async () => {
    const brief = definePolicy({ name: 'brief', ttl: '1s', fillTimeout: { hard: '1s' }, bulkhead: { maxFills: 1 } })
    const first = reasonOf(cache.getOrFill(brief, 1, never))
    await clock.advance(100)
    let ended = false
    const second = reasonOf(cache.getOrFill(brief, 2, never)).finally(() => {
      ended = true
    })
    await clock.advance(999)
    expect(ended).toBe(false)
    await clock.advance(1)
    expect(await second).toMatchObject({ code: 'FILL_TIMEOUT' })
    await first
  })
})

describe('a fill that asks for its own key', () => {
  const ways: Record<string, () => Promise<unknown>> = {
    itself: () => cache.getOrFill(row, 'k', async () => cache.getOrFill(row, 'k', never)),
    'by way of another key': () =>
      cache.getOrFill(row, 'k', async () => cache.getOrFill(row, 'l', async () => cache.getOrFill(row, 'k', never))),
  }

  it.each(Object.entries(ways))(
    '%s: ends at its time limit, is told as a join, and blocks nobody after',
    async (_way, run) => {
      const told: string[] = []
      cache.on('*', ({ type }) => void told.push(type))
      const reason = reasonOf(run())
      await clock.advance(5_000)
      expect(await reason).toBeInstanceOf(FillTimeoutError)
      expect(told.indexOf('joined')).toBeGreaterThanOrEqual(0)
      expect(told.indexOf('fill-failed')).toBeGreaterThan(told.indexOf('joined'))
      expect(await cache.getOrFill(row, 'k', () => 1)).toBe(1)
    },
  )
})
