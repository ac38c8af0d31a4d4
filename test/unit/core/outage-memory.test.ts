import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import {
  createTwinServer,
  type FakeClock,
  fakeClock,
  seededRandom,
  sharedTier,
  type TwinServer,
} from '../../../src/testing/index.js'

/** What memory may answer while the log cannot be followed, and after the machine was asleep. */
const row = definePolicy({ name: 'row', ttl: '10m', jitter: 0, tags: () => ['t'] })
const B = 2_000
const DEADLINE_MS = 250

let clock: FakeClock
let server: TwinServer
/** How the messages of the first process end. */
let cut: 'no' | 'reject' | 'hang'
const open: Cache[] = []

beforeEach(() => {
  clock = fakeClock()
  cut = 'no'
  server = createTwinServer({
    clock,
    random: seededRandom(1),
    deliver: (_phase, _command, client) => {
      if (client !== 1 || cut === 'no') return undefined
      return cut === 'hang' ? new Promise(() => {}) : Promise.reject(new Error('cut'))
    },
  })
})

afterEach(async () => {
  const closed = Promise.all(open.splice(0).map((cache) => cache.close()))
  await clock.advance(20_000)
  await closed
  expect(clock.pendingTimers).toBe(0)
})

function process(options: Parameters<typeof createCache>[0] = {}): Cache {
  const cache = createCache({
    tiers: [memoryTier(), sharedTier({ server, commandTimeout: `${DEADLINE_MS}ms` })],
    clock,
    random: seededRandom(open.length + 2),
    ...options,
  })
  open.push(cache)
  return cache
}

function origin() {
  const source = {
    version: 1,
    loads: 0,
    load: () => {
      source.loads++
      return source.version
    },
  }
  return source
}

describe('S2-23: what a process loads while the log is out of reach', () => {
  it.each(['reject', 'hang'] as const)('answers for the bound and not longer (%s)', async (how) => {
    const cache = process()
    await cache.get(row, 'other')
    cut = how
    await clock.advance(B + 1)
    const source = origin()
    const ask = async (): Promise<unknown> => {
      const answer = cache.getOrFill(row, 'k', source.load)
      await clock.advance(how === 'hang' ? 2 * DEADLINE_MS : 0)
      return answer
    }
    expect([await ask(), await ask(), source.loads]).toEqual([1, 1, 1])
    source.version = 2
    await clock.advance(B - (how === 'hang' ? 4 * DEADLINE_MS : 0))
    expect([await ask(), source.loads]).toEqual([1, 1])
    await clock.advance(1)
    expect([await ask(), source.loads]).toEqual([2, 2])
  })

  it('answers a hot key without waiting for the log', async () => {
    const cache = process()
    await cache.get(row, 'other')
    cut = 'hang'
    await clock.advance(B + 1)
    const first = cache.getOrFill(row, 'k', () => 1)
    await clock.advance(DEADLINE_MS)
    await first
    let answer: unknown
    void cache
      .getOrFill(row, 'k', () => 2)
      .then((value) => {
        answer = value
      })
    await clock.settle()
    expect(answer).toBe(1)
  })

  it('is not what it took from the shared tier: that may be older than the bound', async () => {
    const [cache, other] = [process(), process()]
    await other.set(row, 'k', 1)
    await cache.get(row, 'other')
    await clock.advance(B - 10)
    server.fail('logSince', new Error('cut'))
    expect(await cache.getOrFill(row, 'k', () => 9)).toBe(1)
    server.dropPush = true
    cut = 'reject'
    await other.delete(row, 'k')
    await clock.advance(B + 1)
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(2)
  })

  it('is not what it took from the shared tier and judged by what it had heard of tags until then', async () => {
    const [cache, other] = [process(), process()]
    await other.set(row, 'k', 'old')
    await cache.get(row, 'other')
    server.dropPush = true
    await other.invalidate({ tags: ['t'] })
    for (let left = 20; left > 0; left--) server.fail('logSince', new Error('cut'))
    await clock.advance(B - 100)
    // Within the bound of the last look at the log.
    expect(await cache.getOrFill(row, 'k', () => 'new')).toBe('old')
    cut = 'reject'
    await clock.advance(B - 400)
    expect(await cache.getOrFill(row, 'k', () => 'new')).toBe('new')
  })

  it('leaves with an invalidation of its own process', async () => {
    const cache = process()
    cut = 'reject'
    await cache.getOrFill(row, 'k', () => 1)
    await expect(cache.delete(row, 'k')).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(2)
  })

  it('leaves when the log is found again and was never followed', async () => {
    const [cache, other] = [process(), process()]
    cut = 'reject'
    await cache.getOrFill(row, 'k', () => 1)
    cut = 'no'
    await other.set(row, 'k', 2)
    await clock.advance(600)
    expect(await cache.getOrFill(row, 'k', () => 9)).toBe(2)
  })
})

describe('a call to a shared tier that hangs', () => {
  it('waits for one deadline, not for several in a row', async () => {
    const cache = process()
    cut = 'hang'
    const calls = Array.from({ length: 48 }, (_, key) => cache.getOrFill(row, key, () => key))
    await clock.advance(DEADLINE_MS)
    let answered = 0
    for (const call of calls) void call.then(() => answered++)
    await clock.settle()
    expect(answered).toBe(48)
  })
})

describe("A4: outage: 'serve'", () => {
  const serving = { outage: 'serve', outageMaxStale: '60s' } as const

  it('answers from memory up to its limit, and counts it', async () => {
    const cache = process(serving)
    const source = origin()
    await cache.getOrFill(row, 'k', source.load)
    cut = 'reject'
    source.version = 2
    await clock.advance(59_000)
    expect([await cache.getOrFill(row, 'k', source.load), source.loads]).toEqual([1, 1])
    expect(cache.stats().staleness).toMatchObject({ isCurrent: false, outageHits: 1 })
    await clock.advance(1_501)
    expect([await cache.getOrFill(row, 'k', source.load), source.loads]).toEqual([2, 2])
    expect(cache.stats().staleness.outageHits).toBe(1)
  })

  it('is not in effect while the log can be followed', async () => {
    const [cache, other] = [process(serving), process()]
    await cache.getOrFill(row, 'k', () => 1)
    await clock.advance(30_000)
    server.dropPush = true
    await other.delete(row, 'k')
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(2)
    expect(cache.stats().staleness.outageHits).toBe(0)
  })

  it('ends with the outage', async () => {
    const [cache, other] = [process(serving), process()]
    await cache.getOrFill(row, 'k', () => 1)
    cut = 'reject'
    await clock.advance(10_000)
    await other.delete(row, 'k')
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(1)
    cut = 'no'
    await clock.advance(600)
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(2)
  })

  it('is no answer for a strict read', async () => {
    const cache = process(serving)
    await cache.getOrFill(row, 'k', () => 1)
    cut = 'reject'
    await clock.advance(10_000)
    expect(await cache.getOrFill(row, 'k', () => 2, { consistency: 'strict' })).toBe(2)
  })

  it.each([
    [{ outage: 'always' as never }, 'outage'],
    [{ outageMaxStale: '60s' as const }, 'outageMaxStale'],
    [{ outage: 'serve' as const, outageMaxStale: '1s' as const }, 'outageMaxStale'],
    [{ outage: 'serve' as const, outageMaxStale: 60 as never }, 'outageMaxStale'],
  ])('refuses %j', (options, field) => {
    expect(() => process(options)).toThrow(expect.objectContaining({ field: `createCache.${field}` }))
  })
})

describe('a machine that was asleep', () => {
  async function asleep(forMs: number) {
    const [cache, other] = [process(), process()]
    await cache.getOrFill(row, 'k', () => 1)
    server.dropPush = true
    await other.delete(row, 'k')
    await clock.advance(1)
    // The monotonic clock stood still meanwhile.
    clock.wallOffsetMs += forMs
    await clock.advance(1)
    return cache
  }

  it('proves nothing by what it knew before', async () => {
    const cache = await asleep(B + 50)
    expect(cache.peek(row, 'k')).toBeUndefined()
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(2)
  })

  it('answers from memory again after one look at the log', async () => {
    const cache = process()
    await cache.getOrFill(row, 'k', () => 1)
    clock.wallOffsetMs += 60_000
    await clock.advance(1)
    expect(cache.peek(row, 'k')).toBeUndefined()
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(1)
    expect(cache.peek(row, 'k')).toBe(1)
  })

  it('was not asleep if its wall clock went back, or a little ahead', async () => {
    for (const forMs of [-3_600_000, 40]) expect((await asleep(forMs)).peek(row, 'k')).toBe(1)
  })

  it('fills if the log is out of reach when it wakes', async () => {
    const [cache, other] = [process(), process()]
    await cache.getOrFill(row, 'k', () => 1)
    server.dropPush = true
    await other.delete(row, 'k')
    await clock.advance(1)
    clock.wallOffsetMs += 60_000
    await clock.advance(1)
    cut = 'reject'
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(2)
  })
})
