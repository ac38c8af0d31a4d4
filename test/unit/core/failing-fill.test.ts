import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, definePolicy, RemoteFillError } from '../../../src/index.js'
import { deferred, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** A fill that fails while other processes wait for it: they are told at once instead of trying one after another. */
const coordinate = { leaseMs: 5_000, waitMs: 2_000, pollMinMs: 10, pollMaxMs: 250 }
const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, coordinate })
const kept = definePolicy({ name: 'kept', ttl: '1s', jitter: 0, stale: { ifError: '1h' }, coordinate })
const refused = Object.assign(new Error('password for db is hunter2'), { code: 'ECONNREFUSED' })

let open: TwinCaches | undefined

function setUp(): TwinCaches & { a: Cache; b: Cache } {
  open = twinCaches(2)
  const [a, b] = open.caches
  return { ...open, a: a!, b: b! }
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

/** Process a fills, process b is ready to follow. */
async function leading(caches: TwinCaches & { a: Cache; b: Cache }, policy = row, signal?: AbortSignal) {
  const loaded = deferred<number>()
  await caches.b.get(policy, 'other')
  const leader = reasonOf(caches.a.getOrFill(policy, 'k', () => loaded.promise, { signal }))
  await caches.clock.settle()
  return { loaded, leader }
}

describe('B17: followers of a fill that failed', () => {
  it('reject within one look, with its code and without its message, and fill nothing', async () => {
    const caches = setUp()
    const outcomes: string[] = []
    caches.b.on('followed', ({ outcome }) => outcomes.push(outcome))
    const { loaded, leader } = await leading(caches)
    const follower = reasonOf(caches.b.getOrFill(row, 'k', () => 9))
    await caches.clock.advance(50)
    loaded.reject(refused)
    expect(await leader).toBe(refused)
    await caches.clock.advance(50)
    const error = await follower
    expect(error).toBeInstanceOf(RemoteFillError)
    expect(error).toMatchObject({ code: 'REMOTE_FILL_FAILED', remoteCode: 'ECONNREFUSED' })
    expect(String(error)).not.toContain('hunter2')
    expect([caches.b.stats().fills, outcomes]).toEqual([0, ['error']])
  })

  it.each([
    [new TypeError('x'), 'TypeError'],
    ['text', 'Error'],
    [Object.assign(new Error('x'), { code: 'a secret\n' }), 'Error'],
    [Object.assign(new Error('x'), { code: 'x'.repeat(65) }), 'Error'],
  ])('are told no more of an error than a name: %s', async (thrown, remoteCode) => {
    const caches = setUp()
    const { loaded } = await leading(caches)
    const follower = reasonOf(caches.b.getOrFill(row, 'k', () => 9))
    await caches.clock.settle()
    loaded.reject(thrown)
    await caches.clock.advance(50)
    expect(await follower).toMatchObject({ remoteCode })
  })

  it('serve what is stale, if they may', async () => {
    const caches = setUp()
    await caches.a.set(kept, 'k', 1)
    await caches.clock.advance(1_000)
    const { loaded, leader } = await leading(caches, kept)
    const follower = caches.b.getOrFill(kept, 'k', () => 9)
    await caches.clock.advance(50)
    loaded.reject(refused)
    await caches.clock.advance(50)
    expect([await leader, await follower, caches.b.stats().fills]).toEqual(['no error', 1, 0])
  })

  it('fill themselves if they are strict', async () => {
    const caches = setUp()
    const { loaded } = await leading(caches)
    const follower = caches.b.getOrFill(row, 'k', () => 9, { consistency: 'strict' })
    await caches.clock.advance(50)
    loaded.reject(refused)
    await caches.clock.advance(50)
    expect([await follower, caches.b.stats().fills]).toEqual([9, 1])
  })

  it('of a batch reject for the keys that it was filling', async () => {
    const caches = setUp()
    const loaded = deferred<[string, number][]>()
    await caches.b.get(row, 'other')
    const leader = reasonOf(caches.a.getOrFillMany(row, ['k', 'l'], () => loaded.promise))
    await caches.clock.settle()
    const follower = reasonOf(caches.b.getOrFillMany(row, ['k', 'l'], () => []))
    await caches.clock.advance(50)
    loaded.reject(refused)
    await caches.clock.advance(50)
    expect(await leader).toBe(refused)
    expect(await follower).toMatchObject({ code: 'REMOTE_FILL_FAILED', remoteCode: 'ECONNREFUSED' })
  })

  it('go on by themselves if only the leader gave up', async () => {
    const caches = setUp()
    const abort = new AbortController()
    const { leader } = await leading(caches, row, abort.signal)
    const follower = caches.b.getOrFill(row, 'k', () => 9)
    await caches.clock.advance(50)
    abort.abort(new Error('the user left'))
    await caches.clock.advance(50)
    expect([await leader, await follower]).toEqual([expect.objectContaining({ message: 'the user left' }), 9])
  })
})

describe('whoever comes after a fill that failed', () => {
  it('tries again: a failure is no cached answer', async () => {
    const caches = setUp()
    const { loaded, leader } = await leading(caches)
    loaded.reject(refused)
    await leader
    expect(await caches.b.getOrFill(row, 'k', () => 2)).toBe(2)
    expect(await caches.a.getOrFill(row, 'k', () => 9)).toBe(2)
  })
})
