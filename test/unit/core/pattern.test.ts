import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy } from '../../../src/index.js'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** Deletion by pattern: escaped, anchored, of one policy of one tenant, in every process. */
const row = definePolicy({ name: 'row', ttl: '1h', jitter: 0 })
const other = definePolicy({ name: 'row-other', ttl: '1h', jitter: 0 })

let open: TwinCaches | undefined

async function setUp(): Promise<TwinCaches & { a: Cache; b: Cache }> {
  open = twinCaches(2)
  const [a, b] = open.caches
  return { ...open, a: a!, b: b! }
}

afterEach(async () => {
  await open?.close()
  open = undefined
})

describe('S2-12: invalidatePattern', () => {
  it.each([
    ['org:1:*', ['org:1:a', 'org:1:']],
    ['org:?:a', ['org:1:a', 'org:2:a']],
    ['org:1', ['org:1']],
    ['a\\*b', ['a*b']],
    ['a*b', ['a*b', 'axxb']],
    ['[a]', ['[a]']],
    ['*', ['org:1:a', 'org:1:', 'org:2:a', 'org:1', 'a*b', 'axxb', '[a]', 'xorg:1']],
  ])('%s deletes what it matches as a whole, and nothing else', async (glob, gone) => {
    const { a, b, clock } = await setUp()
    const keys = ['org:1:a', 'org:1:', 'org:2:a', 'org:1', 'a*b', 'axxb', '[a]', 'xorg:1']
    await a.setMany(
      row,
      keys.map((key) => [key, 1] as const),
    )
    await a.set(other, 'org:1:a', 1)
    await a.tenant('t').set(row, 'org:1:a', 1)
    await b.getMany(row, keys)
    expect(await a.invalidatePattern(row, glob)).toEqual({ scanned: 10, deleted: gone.length })
    await clock.settle()
    for (const cache of [a, b]) {
      expect([...(await cache.getMany(row, keys)).keys()]).toEqual(keys.filter((key) => !gone.includes(key)))
      expect([await cache.get(other, 'org:1:a'), await cache.tenant('t').get(row, 'org:1:a')]).toEqual([1, 1])
    }
  })

  it('does the same for a bound policy', async () => {
    const { a } = await setUp()
    await a.setMany(row, [
      ['org:1', 1],
      ['org:2', 1],
    ])
    const rows = a.bind(row)
    expect(await rows.invalidatePattern('*:1')).toEqual({ scanned: 2, deleted: 1 })
    expect(await rows.get('org:2')).toBe(1)
    await expect(rows.invalidatePattern('*', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    )
  })

  it('rejects if it was not done to the end', async () => {
    const { a, server } = await setUp()
    await a.set(row, 'k', 1)
    server.fail('unlink', new Error('cut'))
    await expect(a.invalidatePattern(row, '*')).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
  })

  it('refuses what is no pattern, and a cache without a shared tier', async () => {
    const { a } = await setUp()
    for (const glob of ['', 'x'.repeat(201), 5 as never]) {
      await expect(a.invalidatePattern(row, glob)).rejects.toMatchObject({ field: 'invalidatePattern: glob' })
    }
    const alone = createCache({ ttl: '1s' })
    await expect(alone.invalidatePattern(row, '*')).rejects.toMatchObject({ field: 'invalidatePattern' })
    await alone.close()
  })
})
