import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/testing/index.js'
import { until } from '../../kit/until.js'
import { openStore, textOf } from './store-fixture.js'

const value = 'x'.repeat(1_000)

/** Stores 6 MB through 1 MB; `used` are read again and again meanwhile. Answers which of them stayed. */
async function churn(eviction: 'fifo' | 'lru' | 'lfu', used: readonly string[]): Promise<string[]> {
  const { store } = await openStore({ maxBytes: '1mb', eviction })
  for (const key of used) await store.set({ key, value })
  for (let n = 0; n < 6_000; n++) {
    await store.set({ key: `k${n}`, value })
    if (n % 20 === 0) await store.getMany(used)
    expect(store.stats().bytes).toBeLessThanOrEqual(1024 * 1024)
  }
  const found = await store.getMany(used)
  return used.filter((_, index) => found[index] !== undefined)
}

describe('S4-20: eviction', () => {
  const used = Array.from({ length: 20 }, (_, n) => `used ${n}`)

  it('fifo keeps nothing, whatever is used', async () => {
    expect(await churn('fifo', used)).toEqual([])
  })

  it.each(['lru', 'lfu'] as const)('%s keeps what is used', async (eviction) => {
    expect((await churn(eviction, used)).length).toBeGreaterThanOrEqual(18)
  })

  it('keeps to a number of entries, too', async () => {
    const { store } = await openStore({ maxBytes: '8mb', maxEntries: 5_000 })
    for (let n = 0; n < 30; n++) {
      await store.setMany(Array.from({ length: 1_000 }, (_, m) => ({ key: `${n} ${m}`, value: 'x'.repeat(100) })))
    }
    await until(() => store.stats().entries <= 5_000 + 8_000, { what: 'eviction' })
    expect(store.stats().evicted).toBeGreaterThan(10_000)
  })

  it('notes survive eviction, also across restarts', async () => {
    let opened = await openStore({ maxBytes: '1mb', eviction: 'fifo' })
    await opened.store.set({ key: '!note', value: 'remember', isNote: true })
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 2_000; n++) await opened.store.set({ key: `k${n}`, value })
      await opened.store.close()
      opened = await openStore({ maxBytes: '1mb', eviction: 'fifo', directory: opened.directory })
      expect(await textOf(opened.store, '!note')).toBe('remember')
    }
  })
})

describe('compaction', () => {
  it('gives half-dead segments back, and no older value with them', { timeout: 120_000 }, async () => {
    const random = seededRandom(23)
    let opened = await openStore({ maxBytes: '16mb', eviction: 'fifo' })
    const model = new Map<string, string>()
    for (let n = 0; n < 4_000; n++) {
      // Long-lived keys among many that are overwritten or deleted soon.
      const isKept = random.next() < 0.1
      const key = isKept ? `kept ${n}` : `hot ${Math.floor(random.next() * 200)}`
      if (!isKept && random.next() < 0.3) {
        model.delete(key)
        await opened.store.delete([key])
        continue
      }
      const text = `${n} `.padEnd(3_000, '.')
      model.set(key, text)
      await opened.store.set({ key, value: text })
    }
    const { bytes, evicted } = opened.store.stats()
    expect(evicted).toBe(0)
    expect(bytes).toBeLessThan(8 * 1024 * 1024)
    for (const reopens of [false, true]) {
      if (reopens) {
        await opened.store.close()
        opened = await openStore({ maxBytes: '16mb', directory: opened.directory })
      }
      for (let n = 0; n < 200; n++) expect(await textOf(opened.store, `hot ${n}`)).toBe(model.get(`hot ${n}`))
      for (const [key, text] of model) expect(await textOf(opened.store, key)).toBe(text)
    }
  })
})
