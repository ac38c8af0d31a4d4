import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { DiskStore } from '../../../src/disk/disk-store.js'
import type { Segment } from '../../../src/disk/segment.js'
import { PowerCuts } from '../../kit/power-cuts.js'
import { openStore, temporaryDirectory, textOf } from './store-fixture.js'

const filler = 'x'.repeat(1_000)
let cuts: PowerCuts | undefined
afterEach(() => {
  cuts?.end()
})

function segmentPath(directory: string, id: number): string {
  return join(directory, 'v1/log', `seg-${String(id).padStart(8, '0')}.log`)
}

/** Stores one after the other, with time for what goes on in the background: its files wait in the queue of these calls. */
async function fill(store: DiskStore, name: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    expect(await store.set({ key: `${name} ${n}`, value: filler })).toBe(true)
    for (let calls = 0; calls < 10; calls++) await stat('.')
  }
}

/** Stores until it is so, or the test takes too long. */
async function fillUntil(store: DiskStore, name: string, isEnough: () => boolean): Promise<void> {
  for (let n = 0; !isEnough(); n++) await fill(store, `${name} ${n}`, 1)
}

describe('a power cut', () => {
  it('when a compacted segment is gone finds all that was kept of it, and what it had said of older ones', async () => {
    const directory = temporaryDirectory()
    const images: string[] = []
    cuts = await PowerCuts.watch(directory, ({ id }: Segment) => {
      if (id === 2) images.push(cuts!.leave(temporaryDirectory(), 'done'))
    })
    const { store } = await openStore({ directory, maxBytes: '8mb', eviction: 'fifo' })
    const second = segmentPath(directory, 2)
    await store.set({ key: 'deleted', value: 'the old one' })
    await store.set({ key: 'softened', value: 'the old one' })
    await fillUntil(store, 'first', () => existsSync(second))
    await store.delete(['deleted'])
    await store.soften(['softened'])
    await store.set({ key: 'kept', value: 'the only one' })
    while (!existsSync(segmentPath(directory, 3))) await fill(store, 'overwritten', 20)
    expect(await store.sync()).toBe(true)
    await fillUntil(store, 'later', () => images.length > 0)
    const next = await openStore({ directory: images[0]!, maxBytes: '8mb' })
    expect(next.troubles).toEqual([])
    expect(await textOf(next.store, 'kept')).toBe('the only one')
    expect(await textOf(next.store, 'deleted')).toBeUndefined()
    expect(await next.store.get('softened')).toMatchObject({ isSoft: true })
  })

  it.each([
    ['slice by slice', (store: DiskStore, round: number) => fill(store, `${round}`, 1)],
    [
      'at once',
      (store: DiskStore, round: number) =>
        store.setMany(Array.from({ length: 200 }, (_, n) => ({ key: `${round} ${n}`, value: filler }))),
    ],
  ])('finds the notes of a segment that left %s', async (_name, push) => {
    const directory = temporaryDirectory()
    const images: string[] = []
    cuts = await PowerCuts.watch(directory, ({ id }: Segment) => {
      if (id === 1) images.push(cuts!.leave(temporaryDirectory(), 'done'))
    })
    const { store } = await openStore({ directory, maxBytes: '1mb', eviction: 'fifo' })
    await store.set({ key: 'in front', value: filler })
    await store.set({ key: 'note', value: 'not to be forgotten', isNote: true })
    expect(await store.sync()).toBe(true)
    for (let round = 0; round === 0 || existsSync(segmentPath(directory, 1)); round++) await push(store, round)
    expect(images.length).toBeGreaterThan(0)
    for (const image of images) {
      const next = await openStore({ directory: image, maxBytes: '1mb' })
      expect(await textOf(next.store, 'note')).toBe('not to be forgotten')
    }
  })

  it.each(['removed', 'cut'] as const)(
    "after an acknowledged deletion brings back nothing that a segment held before it was %s: 'fsync'",
    async (how) => {
      const directory = temporaryDirectory()
      cuts = await PowerCuts.watch(directory)
      const { store } = await openStore({ directory, maxBytes: '1mb', eviction: 'fifo', durability: 'fsync' })
      const afterPowerCut = async (): Promise<DiskStore> => {
        return (await openStore({ directory: cuts!.leave(temporaryDirectory(), 'undone'), maxBytes: '1mb' })).store
      }
      let key: string | undefined
      for (let n = 0; key === undefined; n++) {
        await fill(store, `${n}`, 1)
        if (!cuts.mayUndo(how)) continue
        const after = await afterPowerCut()
        key = Array.from({ length: n }, (_, m) => `${m} 0`).find((old) => after.has(old) && !store.has(old))
      }
      expect(await store.delete([key])).toBe(true)
      expect((await afterPowerCut()).has(key)).toBe(false)
    },
  )

  it("finds a large value that was stored: 'fsync'", async () => {
    const directory = temporaryDirectory()
    cuts = await PowerCuts.watch(directory)
    const { store } = await openStore({ directory, maxBytes: '8mb', maxLogValueBytes: 100, durability: 'fsync' })
    expect(await store.set({ key: 'large', value: filler })).toBe(true)
    const next = await openStore({ directory: cuts.leave(temporaryDirectory(), 'done'), maxBytes: '8mb' })
    expect(await textOf(next.store, 'large')).toBe(filler)
  })
})
