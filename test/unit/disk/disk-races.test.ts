import { afterEach, describe, expect, it } from 'vitest'
import { Segment } from '../../../src/disk/segment.js'
import { definePolicy } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom } from '../../../src/testing/index.js'
import { deferred } from '../../kit/twin-caches.js'
import { until } from '../../kit/until.js'
import { diskCache } from './disk-caches.js'
import { temporaryDirectory } from './store-fixture.js'

const policy = definePolicy({ name: 'row', ttl: '1h', tags: () => ['red'] })
const { read, write } = Segment.prototype
afterEach(() => {
  Object.assign(Segment.prototype, { read, write })
})

/** Stops the next read of a segment after it has its bytes: `reached` when it has, `release` lets it answer. */
function holdRead(): { reached: Promise<void>; release: () => void } {
  const reached = deferred<void>()
  const released = deferred<void>()
  Segment.prototype.read = async function (this: Segment, into, offset) {
    Segment.prototype.read = read
    const count = await read.call(this, into, offset)
    reached.resolve()
    await released.promise
    return count
  }
  return { reached: reached.promise, release: () => released.resolve() }
}

/** Stops the next write to the log: what is stored meanwhile waits behind it. */
function holdWrite(): { reached: Promise<void>; release: () => void } {
  const reached = deferred<void>()
  const released = deferred<void>()
  Segment.prototype.write = async function (this: Segment, ...bytes) {
    Segment.prototype.write = write
    reached.resolve()
    await released.promise
    return write.apply(this, bytes)
  }
  return { reached: reached.promise, release: () => released.resolve() }
}

/** A cache that finds `old` on its disk, and nothing in memory. */
async function warmCache(withShared: boolean, pollInterval: `${number}ms` = '500ms') {
  const clock = fakeClock()
  const server = withShared ? createTwinServer({ clock, random: seededRandom(9) }) : undefined
  const directory = temporaryDirectory()
  const options = { directory, clock, pollInterval, ...(server && { server }) }
  const first = diskCache(options)
  await first.getOrFill(policy, 'a', () => 'old')
  await first.close()
  const cache = diskCache(options)
  // Opens the disk and the namespace, so that the next read is that of the entry.
  await cache.get(policy, 'another')
  return { cache, clock, server }
}

describe.each([
  ['memory + disk', false],
  ['memory + disk + shared tier', true],
])('%s: an invalidation while the disk is read', (_name, withShared) => {
  it.each([
    ['a fill that joins nobody', true],
    ['disk-read-unregistered: a read without a fill', false],
  ])('keeps the old value out of memory: %s', async (_case, hasFill) => {
    const { cache } = await warmCache(withShared)
    const held = holdRead()
    const reading = hasFill ? cache.getOrFill(policy, 'a', () => 'new') : cache.get(policy, 'a')
    await held.reached
    await cache.delete(policy, 'a')
    held.release()
    // Its caller began before: it may get either.
    expect([hasFill ? 'new' : undefined, 'old']).toContain(await reading)
    expect(await cache.getOrFill(policy, 'a', () => 'new')).toBe('new')
    expect(cache.peek(policy, 'a')).toBe('new')
  })

  it('by tag does, too', async () => {
    const { cache } = await warmCache(withShared)
    const held = holdRead()
    const reading = cache.getOrFill(policy, 'a', () => 'new')
    await held.reached
    await cache.invalidate({ tags: ['red'] })
    held.release()
    expect(['new', 'old']).toContain(await reading)
    expect(await cache.getOrFill(policy, 'a', () => 'new')).toBe('new')
    expect(cache.peek(policy, 'a')).toBe('new')
  })

  it('nobody who comes after it joins the read', async () => {
    const { cache } = await warmCache(withShared)
    const held = holdRead()
    const reading = cache.getOrFill(policy, 'a', () => 'newer')
    await held.reached
    await cache.delete(policy, 'a')
    expect(await cache.getOrFill(policy, 'a', () => 'new')).toBe('new')
    held.release()
    await reading
    expect(await cache.get(policy, 'a')).toBe('new')
  })
})

describe('the bound', () => {
  it('is that of the last sync for a read of the disk: who comes later than that does not join it', async () => {
    const { cache, clock, server } = await warmCache(true, '0ms')
    const elsewhere = diskCache({ clock, server: server! })
    server!.dropPush = true
    await elsewhere.delete(policy, 'a')
    // The last sync was before the invalidation, and less than two seconds ago: the disk may answer.
    await clock.advance(1_900)
    const held = holdRead()
    const reading = cache.getOrFill(policy, 'a', () => 'own')
    await held.reached
    await clock.advance(1_900)
    const later = cache.getOrFill(policy, 'a', () => 'new')
    held.release()
    const both = Promise.all([reading, later])
    let answers: unknown[] = []
    void both.then((values) => {
      answers = values
    })
    // Who follows the other's fill waits by the clock.
    await until(() => clock.advance(50).then(() => answers.length > 0))
    expect(answers[1]).not.toBe('old')
  })
})

describe('what the disk may not have been told', () => {
  it('R9: is not believed, also of what was on its way to the disk when the log was taken up anew', async () => {
    const clock = fakeClock()
    const server = createTwinServer({ clock, random: seededRandom(9) })
    const directory = temporaryDirectory()
    const cache = diskCache({ directory, clock, server })
    const elsewhere = diskCache({ clock, server })
    await cache.getOrFill(policy, 'first', () => 1)
    const held = holdWrite()
    await cache.getOrFill(policy, 'second', () => 2)
    await held.reached
    await cache.getOrFill(policy, 'a', () => 'old')
    server.dropPush = true
    await elsewhere.delete(policy, 'a')
    server.database('test').logs.length = 0
    const broken = new Promise((resolve) => cache.on('log-broken', resolve))
    await clock.advance(2_001)
    await cache.get(policy, 'another')
    await broken
    held.release()
    await cache.close()
    const next = diskCache({ directory, clock, server })
    expect(await next.getOrFill(policy, 'a', () => 'new')).toBe('new')
  })

  it.each([true, false])(
    'A10: an invalidation by tag that is queued hides what the disk holds (memory: %s)',
    async (hasMemory) => {
      const clock = fakeClock()
      const server = createTwinServer({ clock, random: seededRandom(9) })
      const cache = diskCache({ clock, server, hasMemory })
      await cache.getOrFill(policy, 'a', () => 'old')
      for (let times = 0; times < 2; times++) server.fail('bump', new Error('down'))
      expect(await cache.invalidate({ tags: ['red'], whenUnavailable: 'queue' })).toEqual({ state: 'queued' })
      expect(await cache.getOrFill(policy, 'a', () => 'new')).toBe('new')
      await clock.advance(2_001)
      expect(cache.stats().queuedInvalidations).toBe(0)
      expect(await cache.getOrFill(policy, 'a', () => 'newer')).toBe('newer')
    },
  )
})

describe('a sync view, while the disk is being opened', () => {
  it('answers nothing that was invalidated', () => {
    const view = diskCache({}).syncView(policy)
    view.set('k', 'old')
    view.invalidate('k')
    expect(view.get('k')).toBeUndefined()
  })

  it('answers nothing in whose place something was stored for everybody', async () => {
    const cache = diskCache({})
    const view = cache.syncView(policy)
    view.set('k', 'old')
    view.set('k', 'new', { authoritative: true })
    expect(view.get('k')).not.toBe('old')
    await until(() => view.get('k') === 'new', { what: 'the value that was stored' })
    expect(await cache.get(policy, 'k')).toBe('new')
  })
})
