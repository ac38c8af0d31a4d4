import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Segment } from '../../../src/disk/segment.js'
import { fakeClock, seededRandom } from '../../../src/testing/index.js'
import { copyAtKill } from '../../kit/copy-at-kill.js'
import { until } from '../../kit/until.js'
import { openStore, temporaryDirectory, textOf } from './store-fixture.js'

const value = 'x'.repeat(1_000)
const { leave, read } = Segment.prototype
afterEach(() => {
  Object.assign(Segment.prototype, { leave, read })
})

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

  it('fills its budget to more than 97 %, and never exceeds it', async () => {
    const maxBytes = 4 * 1024 * 1024
    const { store } = await openStore({ maxBytes, eviction: 'fifo' })
    const filled: number[] = []
    for (let n = 0; n < 12_000; n++) {
      await store.set({ key: `k${n}`, value })
      const { bytes, entries } = store.stats()
      expect(bytes).toBeLessThanOrEqual(maxBytes)
      expect(entries * value.length).toBeLessThanOrEqual(maxBytes)
      if (n > 5_000) filled.push(bytes / maxBytes)
    }
    expect(filled.reduce((sum, share) => sum + share) / filled.length).toBeGreaterThan(0.97)
  })

  it('keeps to a number of entries, too', async () => {
    const { store } = await openStore({ maxBytes: '8mb', maxEntries: 5_000 })
    for (let n = 0; n < 30; n++) {
      await store.setMany(Array.from({ length: 1_000 }, (_, m) => ({ key: `${n} ${m}`, value: 'x'.repeat(100) })))
    }
    await until(() => store.stats().entries <= 5_000 + 8_000, { what: 'eviction' })
    expect(store.stats().evicted).toBeGreaterThan(10_000)
  })

  it('keeps what is used also where the number of entries is the limit', async () => {
    const { store } = await openStore({ maxBytes: '16mb', maxEntries: 5_000, eviction: 'lru' })
    for (const key of used) await store.set({ key, value })
    for (let n = 0; n < 12_000; n++) {
      await store.set({ key: `k${n}`, value })
      if (n % 20 === 0) await store.getMany(used)
      expect(store.stats().entries).toBeLessThanOrEqual(5_600)
    }
    expect(used.filter((key) => store.has(key)).length).toBeGreaterThanOrEqual(18)
  })

  it('that cannot wait for what is to be kept drops the oldest segment, not all of them', async () => {
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const { store } = await openStore({ maxBytes: '1mb', eviction: 'lru' })
    for (const key of used) await store.set({ key, value })
    await store.getMany(used)
    Segment.prototype.read = async function (this: Segment, into, offset) {
      await held
      return read.call(this, into, offset)
    }
    try {
      const keys = Array.from({ length: 4_000 }, (_, n) => `k${n}`)
      for (const [n, key] of keys.entries()) {
        await store.set({ key, value })
        if (n % 100 === 0) expect(keys.slice(Math.max(0, n - 500), n).filter((one) => !store.has(one))).toEqual([])
        expect(store.stats().bytes).toBeLessThanOrEqual(1024 * 1024)
      }
      expect(store.stats().evicted).toBeGreaterThan(2_000)
    } finally {
      letGo()
    }
  })

  it('a deletion is told to the disk while a segment that may hold the key is on its way out', async () => {
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    Segment.prototype.leave = async function (this: Segment, options) {
      if (options.remove) await held
      return leave.call(this, options)
    }
    try {
      const { store, directory } = await openStore({ maxBytes: '1mb', eviction: 'fifo' })
      await store.set({ key: 'old', value: 'before' })
      await store.set({ key: 'soft', value: 'before' })
      for (let n = 0; store.has('soft'); n++) await store.set({ key: `k${n}`, value })
      expect(await store.delete(['old'])).toBe(true)
      expect(await store.soften(['soft'])).toBe(true)
      // What a process would find that is started after this one was killed now.
      const copy = temporaryDirectory()
      copyAtKill(directory, copy)
      const next = await openStore({ directory: copy })
      expect(await textOf(next.store, 'old')).toBeUndefined()
      expect((await next.store.get('soft'))?.isSoft ?? true).toBe(true)
    } finally {
      letGo()
    }
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
  it('of an entry whose time is over brings back no older one of its key that had more', async () => {
    const clock = fakeClock()
    const { store, directory } = await openStore({ maxBytes: '32mb', eviction: 'fifo' }, { clock })
    const fill = async (name: string): Promise<void> => {
      for (let n = 0; n < 20; n++) await store.set({ key: `${name} ${n}`, value: 'x'.repeat(60_000) })
    }
    await store.set({ key: 'a', value: 'long-lived', lifeMs: 3_600_000 })
    await fill('kept')
    await store.set({ key: 'a', value: 'short-lived', lifeMs: 1_000 })
    await fill('hot')
    await clock.advance(2_000)
    const second = join(directory, 'v1/log/seg-00000002.log')
    expect(existsSync(second)).toBe(true)
    for (let round = 0; round < 4; round++) await fill('hot')
    await until(() => !existsSync(second), { what: 'the compaction of the second segment' })
    await store.close()
    const next = await openStore({ directory, maxBytes: '32mb' }, { clock })
    expect(await textOf(next.store, 'kept 0')).toBe('x'.repeat(60_000))
    expect(await textOf(next.store, 'a')).toBeUndefined()
  })

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
