import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, type CacheEvent, createCache, definePolicy } from '../../../src/index.js'
import { fakeClock, seededRandom } from '../../../src/testing/index.js'
import { Origin, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** What each read level proves, by memory, the log and receipts. Pub/sub is off unless a test says so. */
const row = definePolicy({ name: 'row', ttl: '1h', jitter: 0, tags: () => ['t'] })

let open: TwinCaches | undefined

function setUp(options: Parameters<typeof twinCaches>[1] = {}): TwinCaches & { a: Cache; b: Cache; origin: Origin } {
  open = twinCaches(2, options)
  open.server.dropPush = true
  const [a, b] = open.caches
  return { ...open, a: a!, b: b!, origin: new Origin() }
}

afterEach(async () => {
  await open?.close()
  expect(open?.clock.pendingTimers ?? 0).toBe(0)
  open = undefined
})

const ways: Record<string, (cache: Cache) => Promise<{ token: string }>> = {
  'by key': (cache) => cache.delete(row, 'k'),
  'by tag': (cache) => cache.invalidate({ tags: ['t'] }),
  'by clear': (cache) => cache.clear(),
}

describe.each(Object.entries(ways))('after an invalidation %s in another process', (_way, invalidate) => {
  async function invalidated() {
    const caches = setUp()
    const { a, b, origin } = caches
    await a.getOrFill(row, 'k', origin.load)
    await b.getOrFill(row, 'k', origin.load)
    origin.version = 2
    return { ...caches, receipt: await invalidate(a) }
  }

  it('S0-16: a strict read is new at once', async () => {
    const { b, origin } = await invalidated()
    expect(await b.getOrFill(row, 'k', origin.load, { consistency: 'strict' })).toBe(2)
  })

  it('a bounded read is new once maxStaleness is over, at the latest', async () => {
    const { b, origin, clock } = await invalidated()
    expect(await b.getOrFill(row, 'k', origin.load)).toBe(1)
    await clock.advance(2_001)
    expect(await b.getOrFill(row, 'k', origin.load)).toBe(2)
  })

  it('a bounded read after maxStaleness is new even without a timer', async () => {
    await open?.close()
    const caches = setUp({ pollInterval: '0ms' })
    const { a, b, origin, clock } = caches
    await b.getOrFill(row, 'k', origin.load)
    origin.version = 2
    await invalidate(a)
    await clock.advance(2_001)
    expect(b.peek(row, 'k')).toBeUndefined()
    expect(await b.getOrFill(row, 'k', origin.load)).toBe(2)
  })

  it('an eventual read may be old for as long as nothing else reads', async () => {
    const { b, origin } = await invalidated()
    expect(await b.getOrFill(row, 'k', origin.load, { consistency: 'eventual' })).toBe(1)
  })

  it('a read with its receipt, or with the text of it, is new at once', async () => {
    const { b, origin, receipt } = await invalidated()
    expect(await b.getOrFill(row, 'k', origin.load, { after: receipt.token, consistency: 'eventual' })).toBe(2)
    expect(receipt).toEqual({ state: 'acknowledged', token: expect.stringMatching(/^[\w:~-]+$/) as string })
  })

  it('a receipt that was reached costs no further look at the log', async () => {
    const { b, origin, receipt, server } = await invalidated()
    await b.getOrFill(row, 'k', origin.load, { after: receipt as never })
    const { logSince } = server.commands
    expect(await b.getOrFill(row, 'k', origin.load, { after: receipt as never })).toBe(2)
    expect(server.commands.logSince).toBe(logSince)
  })

  it('a receipt of a log that is lost, of the future, or of no shard makes the read strict', async () => {
    const { b, origin, receipt } = await invalidated()
    const [shard, generation] = receipt.token.split(':') as [string, string]
    for (const token of [`${shard}:AAAAAAAA:1-1`, `${shard}:${generation}:9999999999999-0`, `77:${generation}:1-1`]) {
      expect(await b.getOrFill(row, 'k', origin.load, { after: token })).toBe(2)
      origin.version = 2
    }
  })

  it('a receipt that cannot be reached, because the log is, makes the read strict', async () => {
    const { b, origin, receipt, server } = await invalidated()
    server.fail('logSince', new Error('cut'))
    expect(await b.getOrFill(row, 'k', origin.load, { after: receipt.token })).toBe(2)
  })

  it('the process that did it is new at once, at any level', async () => {
    const { a, origin } = await invalidated()
    for (const consistency of ['eventual', 'bounded', 'strict'] as const) {
      expect(await a.getOrFill(row, 'k', origin.load, { consistency })).toBe(2)
    }
  })
})

describe('memory', () => {
  it('answers peek no longer than maxStaleness after the last sync, and peek brings the next one', async () => {
    const { a, clock, server, origin } = setUp()
    await a.getOrFill(row, 'k', origin.load)
    await clock.advance(600)
    await clock.advance(1_900)
    expect(a.peek(row, 'k')).toBe(1)
    await clock.advance(1)
    const before = server.commands.logSince
    expect(a.peek(row, 'k')).toBeUndefined()
    await clock.settle()
    expect(server.commands.logSince).toBe(before + 1)
  })

  it('S0-14, B4: of a cache that is idle polls nothing, and is proven anew by the first read', async () => {
    const { a, clock, server, origin } = setUp()
    await a.getOrFill(row, 'k', origin.load)
    await clock.advance(1_000)
    const before = server.commands.logSince
    await clock.advance(60_000)
    expect(server.commands.logSince).toBe(before)
    expect(await a.getOrFill(row, 'k', origin.load)).toBe(1)
    expect(server.commands.logSince).toBe(before + 1)
    expect(origin.reads).toBe(1)
  })

  it('S0-14, B4: that is read all the time polls once an interval', async () => {
    const { a, clock, server, origin } = setUp()
    await a.getOrFill(row, 'k', origin.load)
    const before = server.commands.logSince
    for (let n = 0; n < 100; n++) {
      a.peek(row, 'k')
      await clock.advance(100)
    }
    expect(server.commands.logSince - before).toBe(20)
  })

  it('S0-14, B4: sends no look at the log while one is on its way, however slow, and none once it is closed', async () => {
    const { a, clock, server, network, origin } = setUp({ pollInterval: '50ms' })
    await a.getOrFill(row, 'k', origin.load)
    const slow = network.hold('reply', 'logSince', 1)
    const before = server.commands.logSince
    for (let n = 0; n < 20; n++) {
      a.peek(row, 'k')
      await clock.advance(10)
    }
    expect(server.commands.logSince - before).toBe(1)
    slow.release()
    const closed = a.close()
    await clock.advance(5_000)
    await closed
    expect(server.commands.logSince - before).toBeLessThanOrEqual(2)
  })

  it('shares one sync among all reads that need it', async () => {
    const { a, clock, server, origin } = setUp()
    await a.getOrFill(row, 'k', origin.load)
    await clock.advance(60_000)
    const before = server.commands.logSince
    await Promise.all(Array.from({ length: 50 }, () => a.getOrFill(row, 'k', origin.load)))
    expect([server.commands.logSince - before, origin.reads]).toEqual([1, 1])
  })

  it.each([
    [249, 1],
    [251, 2],
  ])('is proven by a sync that was sent %s ms before the read only within the bound of 250 ms', async (ms, value) => {
    const { a, b, clock, network, origin, server } = setUp({ pollInterval: '0ms', maxStaleness: '250ms' })
    await a.getOrFill(row, 'k', origin.load)
    await clock.advance(300)
    // A long log takes several commands: here the first page has come, the second one is on its way.
    for (let n = 0; n < 499; n++) server.database('test').append(0, '[]', 10_000)
    const first = network.hold('reply', 'logSince', 1)
    a.peek(row, 'k')
    await first.reached
    await clock.advance(200)
    const second = network.hold('reply', 'logSince', 1)
    first.release()
    await second.reached
    origin.version = 2
    await b.delete(row, 'k')
    await clock.advance(ms - 200)
    const read = a.getOrFill(row, 'k', origin.load)
    second.release()
    expect(await read).toBe(value)
  })

  it('hears of other processes at once while pub/sub works', async () => {
    const { a, b, clock, server, origin } = setUp()
    server.dropPush = false
    await a.getOrFill(row, 'k', origin.load)
    await b.delete(row, 'k')
    await clock.settle()
    expect(a.peek(row, 'k')).toBeUndefined()
  })
})

describe('R9: a log that', () => {
  const breaks: Record<string, [(caches: TwinCaches) => Promise<unknown> | unknown, cause: string]> = {
    'was trimmed past the last row known here': [
      async ({ server, caches }) => {
        await caches[1]!.delete(row, 'x')
        server.trimLog(1)
      },
      'trimmed',
    ],
    'was lost with everything else': [({ server }) => server.flushAll(), 'lost'],
    'has another row at that place after a failover': [
      ({ server }) => {
        const log = server.database('test').log(0)
        const since = log.since.bind(log)
        log.since = (from, limit) => since(from, limit).map((one) => ({ ...one, payload: `${one.payload} ` }))
      },
      'rewound',
    ],
  }
  it.each(Object.entries(breaks))('%s empties memory, and is told', async (_what, [cut, cause]) => {
    const caches = setUp()
    const { a, clock, origin } = caches
    await a.getOrFill(row, 'k', origin.load)
    await a.invalidate({ tags: ['else'] })
    await clock.advance(600)
    const events: CacheEvent[] = []
    a.on('log-broken', (event) => events.push(event))
    await cut(caches)
    a.peek(row, 'k')
    await clock.advance(500)
    expect(events[0]).toEqual({ type: 'log-broken', shard: 0, cause })
    expect(a.peek(row, 'k')).toBeUndefined()
  })
})

describe('a cache of memory alone', () => {
  it('is always current: every level reads memory, and its receipts are empty', async () => {
    const clock = fakeClock()
    const cache = createCache({ clock, random: seededRandom(1) })
    const origin = new Origin()
    await cache.getOrFill(row, 'k', origin.load)
    await clock.advance(60_000)
    for (const consistency of ['eventual', 'bounded', 'strict'] as const) {
      expect(await cache.getOrFill(row, 'k', origin.load, { consistency })).toBe(1)
    }
    origin.version = 2
    const receipt = await cache.invalidate({ tags: ['t'] })
    expect(receipt.token).toBe('')
    expect(await cache.getOrFill(row, 'k', origin.load, { after: receipt })).toBe(2)
    expect(origin.reads).toBe(2)
    await cache.close()
  })
})
