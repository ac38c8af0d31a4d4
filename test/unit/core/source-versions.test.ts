import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, type CacheEvent, definePolicy } from '../../../src/index.js'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** A marker of the shared tier asks for a minimum version of the source row: what is older is stored nowhere. */
const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0 })

let open: TwinCaches

function setUp(): { cache: Cache; events: CacheEvent[] } {
  open = twinCaches(1)
  const [cache] = open.caches
  const events: CacheEvent[] = []
  cache!.on('not-stored', (event) => events.push(event))
  open.server.database('test').markers.set('0:|row@1|k', '10', 60_000)
  return { cache: cache!, events }
}

afterEach(() => open.close())

describe('a version older than the marker', () => {
  const told = { type: 'not-stored', policy: 'row', tenant: '', key: 'k', cause: 'superseded' }

  it('of a fill reaches its callers, is told, and is stored nowhere', async () => {
    const { cache, events } = setUp()
    expect(await cache.getOrFill(row, 'k', (ctx) => ctx.value('old', { version: '9' }))).toBe('old')
    expect([events, await cache.getEntry(row, 'k')]).toEqual([[told], { state: 'missing' }])
  })

  it('of a set is told, and is stored nowhere', async () => {
    const { cache, events } = setUp()
    expect(await cache.set(row, 'k', 'old', { version: 9 })).toEqual({ state: 'superseded' })
    expect([events, await cache.getEntry(row, 'k')]).toEqual([[told], { state: 'missing' }])
  })
})

describe('a version that is not older', () => {
  it.each([10, 10n, '010', '11', 100])('is stored: %s', async (version) => {
    const { cache, events } = setUp()
    await cache.set(row, 'k', 'new', { version })
    expect([events, await cache.get(row, 'k')]).toEqual([[], 'new'])
  })

  it('is one that says nothing: the marker is for those who know', async () => {
    const { cache } = setUp()
    let isWarned = false
    const fill = (ctx: { recentlyInvalidated: boolean }) => {
      isWarned = ctx.recentlyInvalidated
      return 'new'
    }
    expect([await cache.getOrFill(row, 'k', fill), isWarned, cache.peek(row, 'k')]).toEqual(['new', true, 'new'])
  })
})
