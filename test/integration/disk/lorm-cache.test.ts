import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

// biome-ignore lint/suspicious/noExplicitAny: a plain module, written to be read
type Anything = any
const url = new URL('../../../apps/lorm-cache/lorm-cache.mjs', import.meta.url).href
const { CacheManager, clearCache, getCacheStats, getCacheStatsWithFileSystem } = (await import(url)) as Anything

let directory: string
let manager: Anything
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'freshtier-lorm-'))
  manager = new CacheManager({ cacheDir: directory })
})
afterEach(async () => {
  await manager.destroy()
  rmSync(directory, { recursive: true, force: true })
})

describe("S4-5: a cache in lorm's shape", () => {
  it('answers null for what it does not have, and what was set otherwise', async () => {
    const cache = manager.createCache('schema')
    expect(await cache.get('a')).toBeNull()
    await cache.set('a', { list: [1, 2] })
    expect(await cache.get('a')).toEqual({ list: [1, 2] })
    expect([await cache.has('a'), await cache.has('b')]).toEqual([true, false])
    await cache.delete('a')
    expect(await cache.get('a')).toBeNull()
    await cache.set('b', 1)
    await cache.clear()
    expect(await cache.get('b')).toBeNull()
  })

  it('another input is a miss', async () => {
    const cache = manager.createCache('schema')
    const hash = cache.createHash({ file: 'schema.ts' })
    await cache.set('a', 1, 60_000, hash)
    expect([await cache.get('a', hash), await cache.get('a', 'other'), await cache.get('a')]).toEqual([1, null, 1])
  })

  it('B35: a ttl of 0 or less keeps nothing', async () => {
    const cache = manager.createCache('schema')
    await cache.set('a', 1)
    await cache.set('a', 2, 0)
    await cache.set('b', 2, -1)
    expect([await cache.get('a'), await cache.get('b')]).toEqual([null, null])
  })

  it('B30: the next process reads what this one wrote', async () => {
    await manager.createCache('schema').set('a', { at: new Date(5) })
    await manager.destroy()
    expect(await manager.createCache('schema').get('a')).toEqual({ at: new Date(5) })
  })

  it('batches tell each key', async () => {
    const cache = manager.createCache('schema')
    const set = await cache.batchSet([
      { key: 'a', data: 1 },
      { key: 'b', data: () => 'no data' },
      { key: 'c', data: 3, ttl: 1_000 },
    ])
    expect(set).toEqual([
      { key: 'a', success: true },
      { key: 'b', success: false, error: expect.stringContaining('cannot be stored') },
      { key: 'c', success: true },
    ])
    expect(await cache.batchGet(['a', 'b', 'c'])).toEqual([
      { key: 'a', success: true, data: 1 },
      { key: 'b', success: true, data: null },
      { key: 'c', success: true, data: 3 },
    ])
    expect(await cache.batchHas(['a', 'b'])).toEqual([
      { key: 'a', success: true, data: true },
      { key: 'b', success: true, data: false },
    ])
    await cache.batchDelete(['a', 'c'])
    expect((await cache.batchGet(['a', 'c'])).map(({ data }: { data: unknown }) => data)).toEqual([null, null])
  })

  it('B31: compression that is not enabled does not compress', async () => {
    const text = 'the same again '.repeat(2_000)
    const packed = manager.createCache('packed')
    const plain = manager.createCache('plain', { compression: { enabled: false } })
    await Promise.all([packed.set('a', text), plain.set('a', text)])
    expect(packed.getStats().totalSize).toBeLessThan(3_000)
    expect(plain.getStats().totalSize).toBeGreaterThan(text.length)
  })

  it('tells operations, and counts them', async () => {
    const cache = manager.createCache('schema')
    const told: string[] = []
    const listener = ({ operation, key, success }: Anything): void => void told.push(`${operation} ${key} ${success}`)
    cache.on('operation', listener)
    await cache.set('a', 1)
    await cache.get('a')
    await cache.get('b')
    cache.off('operation', listener)
    await cache.get('b')
    expect(told).toEqual(['set a true', 'get a true', 'get b true'])
    expect(cache.getStats()).toMatchObject({ totalHits: 1, totalMisses: 2, hitRate: 1 / 3, memoryEntries: 1 })
  })

  it('the operations go over all caches', async () => {
    await manager.createCache('one').set('a', 1)
    await manager.getCache('two').set('a', 1)
    expect(getCacheStats(manager).global).toMatchObject({ totalCaches: 2, totalMemoryEntries: 2 })
    expect(getCacheStatsWithFileSystem(manager, directory).fileSystem.totalFiles).toBeGreaterThan(1)
    expect(await clearCache(manager)).toEqual({
      success: true,
      message: 'Successfully cleared 2 caches',
      clearedCaches: ['one', 'two'],
    })
    expect(await manager.getCache('one').get('a')).toBeNull()
    await manager.removeCache('one')
    expect(manager.getCacheNames()).toEqual(['two'])
  })

  it('that is switched off keeps nothing and breaks nothing', async () => {
    const cache = manager.createCache('off', { enabled: false })
    await cache.set('a', 1)
    expect(await cache.get('a')).toBeNull()
    expect(await cache.batchGet(['a'])).toEqual([{ key: 'a', success: true, data: null }])
    expect(cache.getStats()).toMatchObject({ totalSets: 1, totalHits: 0 })
  })
})
