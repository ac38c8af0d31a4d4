import { afterEach, describe, expect, it } from 'vitest'
import { Flight } from '../../../src/core/flights.js'
import { type Cache, definePolicy } from '../../../src/index.js'
import { deferred, Origin, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** Strict callers share a flight where that is provably as good as going alone. */
const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, tags: () => ['t'] })
const strict = { consistency: 'strict' } as const

let open: TwinCaches | undefined

/** Two processes that have met the namespace: making its control block is told as a clear, which detaches flights. */
async function setUp(): Promise<TwinCaches & { a: Cache; b: Cache }> {
  open = twinCaches(2)
  const [a, b] = open.caches
  for (const cache of [a!, b!]) await cache.get(row, 'other', strict)
  for (const command of ['read', 'acquire'] as const) open.server.commands[command] = 0
  await open.clock.settle()
  return { ...open, a: a!, b: b! }
}

afterEach(async () => {
  if (open === undefined) return
  await open.close()
  expect(open.clock.pendingTimers).toBe(0)
  open = undefined
})

/** A strict read of process a whose load was begun and not ended. */
async function loading(caches: TwinCaches & { a: Cache; b: Cache }) {
  const loaded = deferred<number>()
  const first = caches.a.getOrFill(row, 'k', () => loaded.promise, strict)
  await caches.clock.settle()
  return { loaded, first }
}

describe('strict callers of one key', () => {
  it('fifty at once cost one look, one lease and one fill, and none of them polls', async () => {
    const { a, clock, server } = await setUp()
    const origin = new Origin()
    const calls = Array.from({ length: 50 }, () => a.getOrFill(row, 'k', origin.load, strict))
    await clock.advance(500)
    expect(new Set(await Promise.all(calls))).toEqual(new Set([1]))
    expect([origin.reads, server.commands.read, server.commands.acquire, server.commands.follow]).toEqual([1, 1, 1, 0])
    expect(a.stats()).toMatchObject({ fills: 1, joined: 49 })
  })

  it('fifty at once of what is stored cost two looks: one of those that were first, one for all the others', async () => {
    const { a, b, clock, server } = await setUp()
    await b.set(row, 'k', 7)
    const calls = Array.from({ length: 50 }, () => a.getOrFill(row, 'k', () => 9, strict))
    await clock.settle()
    expect(new Set(await Promise.all(calls))).toEqual(new Set([7]))
    expect(server.commands.read).toBe(2)
  })

  it('fifty behind a leader elsewhere poll once, not fifty times', async () => {
    const caches = await setUp()
    const loaded = deferred<number>()
    const leader = caches.b.getOrFill(row, 'k', () => loaded.promise)
    await caches.clock.settle()
    const calls = Array.from({ length: 50 }, () => caches.a.getOrFill(row, 'k', () => 9, strict))
    await caches.clock.advance(300)
    const polls = caches.server.commands.follow
    loaded.resolve(1)
    await caches.clock.advance(300)
    expect([await leader, ...new Set(await Promise.all(calls))]).toEqual([1, 1])
    expect(polls).toBeLessThan(30)
    expect(caches.a.stats().fills).toBe(0)
  })

  it('fifty fill once while the shared tier is out of reach', async () => {
    const { a, server } = await setUp()
    for (let left = 60; left > 0; left--) server.fail('read', new Error('cut'))
    const origin = new Origin()
    const calls = Array.from({ length: 50 }, () => a.getOrFill(row, 'k', origin.load, strict))
    expect([new Set(await Promise.all(calls)), origin.reads]).toEqual([new Set([1]), 1])
  })

  it('that come during a load join it if its lease and clock stand, by one look for all', async () => {
    const caches = await setUp()
    const { loaded, first } = await loading(caches)
    const before = { ...caches.server.commands }
    const late = Array.from({ length: 20 }, () => caches.a.getOrFill(row, 'k', () => 9, strict))
    await caches.clock.settle()
    expect(caches.server.commands.renew - before.renew).toBe(1)
    loaded.resolve(1)
    expect([await first, ...new Set(await Promise.all(late))]).toEqual([1, 1])
    expect(caches.a.stats()).toMatchObject({ fills: 1, joined: 20 })
  })

  it.each(['delete', 'tag', 'clear'] as const)(
    'do not join a load that began before an invalidation acknowledged elsewhere: %s',
    async (way) => {
      const caches = await setUp()
      caches.server.dropPush = true
      const { loaded, first } = await loading(caches)
      if (way === 'delete') await caches.b.delete(row, 'k')
      else if (way === 'tag') await caches.b.invalidate({ tags: ['t'] })
      else await caches.b.clear()
      const late = caches.a.getOrFill(row, 'k', () => 2, strict)
      await caches.clock.settle()
      loaded.resolve(1)
      await caches.clock.advance(3_000)
      expect([await first, await late]).toEqual([1, 2])
    },
  )

  it('do not take the answer of a look that was sent before they came', async () => {
    const caches = await setUp()
    caches.server.dropPush = true
    const { loaded, first } = await loading(caches)
    const answer = caches.network.hold('reply', 'renew', 1)
    const early = caches.a.getOrFill(row, 'k', () => 9, strict)
    await answer.reached
    await caches.b.delete(row, 'k')
    const reloaded = deferred<number>()
    const late = caches.a.getOrFill(row, 'k', () => reloaded.promise, strict)
    await caches.clock.settle()
    answer.release()
    await caches.clock.settle()
    loaded.resolve(1)
    await caches.clock.settle()
    reloaded.resolve(2)
    await caches.clock.advance(3_000)
    expect([await first, await early, await late]).toEqual([1, 1, 2])
  })

  it('do not join a load whose lease cannot be looked at', async () => {
    const caches = await setUp()
    const { loaded, first } = await loading(caches)
    caches.server.fail('renew', new Error('cut'))
    const late = caches.a.getOrFill(row, 'k', () => 2, strict)
    await caches.clock.settle()
    loaded.resolve(1)
    await caches.clock.advance(3_000)
    expect([await first, await late]).toEqual([1, 1])
    expect(caches.a.stats().joined).toBe(0)
  })

  it('do not join what a bounded caller began', async () => {
    const caches = await setUp()
    caches.server.dropPush = true
    await caches.a.get(row, 'other')
    const loaded = deferred<number>()
    const first = caches.a.getOrFill(row, 'k', () => loaded.promise)
    await caches.clock.settle()
    await caches.b.delete(row, 'k')
    const late = caches.a.getOrFill(row, 'k', () => 2, strict)
    await caches.clock.settle()
    loaded.resolve(1)
    await caches.clock.advance(3_000)
    expect([await first, await late]).toEqual([1, 2])
  })

  it('get the error of the fill that they joined, and give up by themselves', async () => {
    const caches = await setUp()
    const { loaded, first } = await loading(caches)
    const abort = new AbortController()
    const joined = caches.a.getOrFill(row, 'k', () => 9, strict)
    const impatient = caches.a.getOrFill(row, 'k', () => 9, { ...strict, signal: abort.signal })
    const outcomes = Promise.allSettled([first, joined, impatient])
    await caches.clock.settle()
    abort.abort(new Error('left'))
    loaded.reject(new Error('down'))
    const reasons = (await outcomes).map((one) => (one.status === 'rejected' ? String(one.reason) : 'no error'))
    expect(reasons).toEqual(['Error: down', 'Error: down', 'Error: left'])
  })
})

describe('a flight that has just ended', () => {
  it.each([
    ['succeeded', (flight: Flight<number>) => flight.succeed(1)],
    ['failed', (flight: Flight<number>) => flight.fail(new Error('no'))],
    ['begun to load', (flight: Flight<number>) => flight.beginLoad(1)],
  ])('keeps nobody waiting who comes when it has %s', async (_, end) => {
    const flight = new Flight<number>('k', 0, 0)
    end(flight)
    await expect(Promise.race([flight.decided.then(() => 'decided'), settled()])).resolves.toBe('decided')
  })
})

/** After all that is due. */
async function settled(): Promise<string> {
  await new Promise((resolve) => setImmediate(resolve))
  return 'still waiting'
}
