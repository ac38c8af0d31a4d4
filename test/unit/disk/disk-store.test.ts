import { afterEach, describe, expect, it, vi } from 'vitest'
import { KeyHash } from '../../../src/disk/key-hash.js'
import { fakeClock, seededRandom } from '../../../src/testing/index.js'
import { openStore, textOf } from './store-fixture.js'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a store', () => {
  it('gives back what was stored, also to the next process (B30)', async () => {
    const first = await openStore()
    expect(await first.store.set({ key: 'a', value: 'one' })).toBe(true)
    expect(await first.store.set({ key: 'b', value: Buffer.from([0, 1, 255]) })).toBe(true)
    expect(await textOf(first.store, 'a')).toBe('one')
    await first.store.close()
    const second = await openStore({ directory: first.directory })
    expect(await textOf(second.store, 'a')).toBe('one')
    expect((await second.store.get('b'))?.value).toEqual(Buffer.from([0, 1, 255]))
    expect(await second.store.get('c')).toBeUndefined()
  })

  it('keeps what is softened for no longer than it is told, wherever it was written anew, and the next process, too', async () => {
    const clock = fakeClock()
    const opened = await openStore({ maxBytes: '1mb', eviction: 'lru' }, { clock })
    const value = 'x'.repeat(1_000)
    const keys = ['moved', 'stays', 'twice', 'short-lived']
    for (const key of keys) await opened.store.set({ key, value, lifeMs: key === 'short-lived' ? 20_000 : 3_600_000 })
    await opened.store.soften(keys, 60_000)
    await opened.store.soften(['twice'], 120_000)
    const isSoft = true
    const expiresAtMs = (await opened.store.get('stays'))!.expiresAtMs
    expect(expiresAtMs - opened.store.time.nowMs()).toBeGreaterThan(58_000)
    expect(expiresAtMs - opened.store.time.nowMs()).toBeLessThanOrEqual(60_000)
    for (let n = 0; n < 3_000; n++) {
      await opened.store.set({ key: `k${n}`, value })
      await opened.store.get('moved')
    }
    expect(await opened.store.get('moved')).toMatchObject({ isSoft, expiresAtMs })
    for (const key of ['stays', 'twice']) await opened.store.set({ key, value, lifeMs: 3_600_000 })
    await opened.store.soften(['stays', 'twice'], 60_000)
    await opened.store.soften(['twice'], 120_000)
    await opened.store.close()
    const { store } = await openStore({ directory: opened.directory }, { clock })
    for (const key of ['moved', 'stays', 'twice']) {
      expect(await store.get(key)).toMatchObject({ isSoft, expiresAtMs })
    }
    await clock.advance(60_000)
    for (const key of keys) expect(await store.get(key)).toBeUndefined()
  })

  it('replaces, deletes and softens, and the next process knows', async () => {
    const first = await openStore()
    await first.store.set({ key: 'replaced', value: 'old' })
    await first.store.set({ key: 'replaced', value: 'new' })
    await first.store.set({ key: 'deleted', value: 'old' })
    await first.store.delete(['deleted'])
    await first.store.set({ key: 'soft', value: 'old' })
    await first.store.soften(['soft'])
    await first.store.set({ key: 'again', value: 'old' })
    void first.store.delete(['again'])
    await first.store.set({ key: 'again', value: 'new' })
    for (const reopens of [false, true]) {
      const { store } = reopens ? await reopened(first) : first
      expect(await textOf(store, 'replaced')).toBe('new')
      expect(await textOf(store, 'deleted')).toBeUndefined()
      expect(await store.get('soft')).toMatchObject({ isSoft: true })
      expect(await textOf(store, 'again')).toBe('new')
    }
  })

  it.each([undefined, 'files'] as const)(
    'answers no key with the value of another one of the same hash: %s',
    async (layout) => {
      vi.spyOn(KeyHash.prototype, 'of').mockImplementation(function (this: KeyHash) {
        return Object.assign(this, { low: 1, high: 2 })
      })
      const { store } = await openStore({ layout })
      await store.set({ key: 'a', value: 'of a' })
      expect(await textOf(store, 'a')).toBe('of a')
      expect(await textOf(store, 'b')).toBeUndefined()
      expect(await store.getMany(['b'])).toEqual([undefined])
      expect(await textOf(store, 'a')).toBe('of a')
    },
  )

  it('answers a deletion at once, also of a store that is still on its way', async () => {
    const { store } = await openStore()
    const storing = store.set({ key: 'a', value: 'one' })
    const deleting = store.delete(['a'])
    expect(await textOf(store, 'a')).toBeUndefined()
    await Promise.all([storing, deleting])
    expect(await textOf(store, 'a')).toBeUndefined()
  })

  it('keeps an entry as long as it may live', async () => {
    const { fakeClock } = await import('../../../src/testing/index.js')
    const clock = fakeClock()
    const { store } = await openStore({}, { clock })
    await store.set({ key: 'a', value: 'one', lifeMs: 5_000 })
    await clock.advance(4_000)
    expect(await textOf(store, 'a')).toBe('one')
    await clock.advance(2_000)
    expect(await textOf(store, 'a')).toBeUndefined()
  })

  it('a clock that is set back makes nothing younger, not even across a restart', async () => {
    const { fakeClock } = await import('../../../src/testing/index.js')
    const clock = fakeClock()
    const first = await openStore({}, { clock })
    await first.store.set({ key: 'a', value: 'one', lifeMs: 10_000 })
    clock.wallOffsetMs = -3_600_000
    await clock.advance(11_000)
    expect(await textOf(first.store, 'a')).toBeUndefined()
    await first.store.set({ key: 'b', value: 'two', lifeMs: 10_000 })
    await first.store.close()
    const second = await openStore({ directory: first.directory }, { clock })
    expect(await textOf(second.store, 'b')).toBe('two')
    await clock.advance(11_000)
    expect(await textOf(second.store, 'b')).toBeUndefined()
  })

  it('reads many keys in few reads, in the order of the keys', async () => {
    const { store } = await openStore()
    const entries = Array.from({ length: 500 }, (_, n) => ({ key: `k${n}`, value: `value ${n}` }))
    expect(await store.setMany(entries)).toBe(true)
    const keys = [...entries.map(({ key }) => key).reverse(), 'missing']
    const found = await store.getMany(keys)
    expect(found.map((one) => one?.value.toString())).toEqual([
      ...entries.map(({ value }) => value).reverse(),
      undefined,
    ])
  })

  it('gives large values a file of their own, and removes it with its entry', async () => {
    const first = await openStore({ maxBytes: '64mb' })
    const large = Buffer.alloc(700_000, 'x')
    await first.store.set({ key: 'large', value: large })
    expect(first.store.stats().files).toBe(1)
    const second = await reopened(first)
    expect((await second.store.get('large'))?.value.equals(large)).toBe(true)
    await second.store.set({ key: 'large', value: Buffer.alloc(800_000, 'y') })
    expect((await second.store.get('large'))?.value.length).toBe(800_000)
    expect(second.store.stats()).toMatchObject({ files: 1 })
    await second.store.delete(['large'])
    expect(second.store.stats()).toMatchObject({ files: 0 })
    expect(await second.store.get('large')).toBeUndefined()
  })

  it("S4-15: layout 'files' gives every value a file; the number of partitions may change at any time", async () => {
    const first = await openStore({ layout: 'files', partitions: 3 })
    for (let n = 0; n < 20; n++) await first.store.set({ key: `k${n}`, value: `v${n}` })
    const second = await openStore({ directory: (await closed(first)).directory, layout: 'log', partitions: 200 })
    expect(second.store.stats().files).toBe(20)
    for (let n = 0; n < 20; n++) expect(await textOf(second.store, `k${n}`)).toBe(`v${n}`)
  })

  it('stays within its budget, and what is used stays longer than what is not', async () => {
    const { store } = await openStore({ maxBytes: '2mb', eviction: 'lru' })
    const value = 'x'.repeat(1000)
    for (let n = 0; n < 10_000; n++) {
      await store.set({ key: `k${n}`, value })
      if (n % 50 === 0) await store.get('k0')
    }
    expect(store.stats().bytes).toBeLessThanOrEqual(2 * 1024 * 1024)
    expect(store.stats().evicted).toBeGreaterThan(5_000)
    expect(await textOf(store, 'k0')).toBe(value)
    expect(await textOf(store, 'k1')).toBeUndefined()
    expect(await textOf(store, 'k9999')).toBe(value)
  })

  it('keeps to the model through stores, deletions, evictions and restarts', { timeout: 60_000 }, async () => {
    const random = seededRandom(7)
    let opened = await openStore({ maxBytes: '1mb', eviction: 'lfu' })
    const model = new Map<string, string>()
    let misses = 0
    for (let step = 0; step < 6_000; step++) {
      const key = `k${Math.floor(random.next() * 300)}`
      const dice = random.next()
      if (dice < 0.5) {
        const value = `${step}:${'v'.repeat(Math.floor(random.next() * 3_000))}`
        model.set(key, value)
        const storing = opened.store.set({ key, value })
        if (random.next() < 0.7) await storing
      } else if (dice < 0.6) {
        model.delete(key)
        void opened.store.delete([key])
      } else if (dice < 0.998) {
        const found = await textOf(opened.store, key)
        if (found === undefined) misses++
        else expect(found).toBe(model.get(key))
      } else opened = await reopened(opened, { maxBytes: '1mb', eviction: 'lfu' })
    }
    expect(misses).toBeLessThan(2_500)
  })
})

async function closed<T extends { store: { close(): Promise<void> } }>(opened: T): Promise<T> {
  await opened.store.close()
  return opened
}

async function reopened(
  opened: Awaited<ReturnType<typeof openStore>>,
  options: Parameters<typeof openStore>[0] = {},
): ReturnType<typeof openStore> {
  await opened.store.close()
  return openStore({ ...options, directory: opened.directory })
}
