import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { DiskStore } from '../../../src/disk/disk-store.js'
import { recover } from '../../../src/disk/recover.js'
import { Segment } from '../../../src/disk/segment.js'
import { nextTurn } from '../../../src/disk/turn-clock.js'
import { seededRandom } from '../../../src/testing/index.js'
import { copyAtKill } from '../../kit/copy-at-kill.js'
import { until } from '../../kit/until.js'
import { openStore, temporaryDirectory, textOf } from './store-fixture.js'

const { cut, read, sync } = Segment.prototype
afterEach(() => {
  Object.assign(Segment.prototype, { cut, read, sync })
})

const filler = 'x'.repeat(1_000)
const FIRST = 'v1/log/seg-00000001.log'

/** Calls `look` right before a slice is cut off, when all of it was copied or forgotten, and right after. */
function atEveryCut(look: (segment: Segment) => void): void {
  Segment.prototype.cut = async function (this: Segment, bytes) {
    look(this)
    await cut.call(this, bytes)
    look(this)
  }
}

/** No disk has to be waited for: while it is, so much is stored that slices would become whole segments. */
function syncAtOnce(synced: (segment: Segment) => void = () => {}): void {
  Segment.prototype.sync = async function (this: Segment) {
    this.isSynced = true
    synced(this)
  }
}

/**
 * Lets what the store does in the background keep up, so that slices stay small and nothing must go at once: its files wait
 * in the same queue as these calls.
 */
async function keepUp(): Promise<void> {
  for (let calls = 0; calls < 10; calls++) await stat('.')
}

/** A copy of a directory, as a process finds it that is started after this one was killed now. */
function copyOf(directory: string): string {
  const copy = temporaryDirectory()
  copyAtKill(directory, copy)
  return copy
}

function filesIn(directory: string, end: string): string[] {
  const log = join(directory, 'v1/log')
  return readdirSync(log).flatMap((name) => (name.endsWith(end) ? [join(log, name)] : []))
}

function withoutHints(directory: string): string {
  for (const path of filesIn(directory, '.hint')) rmSync(path)
  return directory
}

interface Known {
  readonly version: number
  readonly isSoft: boolean
  readonly isThere: boolean
}

const BATCH = Array.from({ length: 20 }, (_, member) => member)

/** One operation after the other on few keys, among many that are stored once and push them out. */
class Churn {
  readonly known = new Map<string, Known>()
  /** What is just being done: the disk may have it already. */
  doing: { readonly keys: readonly string[]; readonly version: number } = { keys: [], version: 0 }
  #version = 0
  readonly #random: ReturnType<typeof seededRandom>

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  async run(store: DiskStore, isEnough: () => boolean, pause: () => Promise<void> = async () => {}): Promise<void> {
    for (let n = 0; !isEnough(); n++) {
      for (let turns = 0; turns < 20; turns++) await nextTurn()
      const dice = this.#random.next()
      // For a while, and then never again: what such a key had before must not come back.
      const phase = Math.floor(n / 60)
      const key = `key ${phase}.${Math.floor(this.#random.next() * 6)}`
      if (dice < 0.3) await store.set({ key: `k${n}`, value: filler })
      else if (dice < 0.55) await this.#set(store, [key])
      else if (dice < 0.62)
        await this.#set(
          store,
          BATCH.map((member) => `batch ${phase}.${member}`),
        )
      else if (dice < 0.72) await this.#mark(key, { isThere: false }, () => store.delete([key]))
      else if (dice < 0.97) await this.#mark(key, { isSoft: true }, () => store.soften([key]))
      else await store.get(key)
      if (n % 40 === 0) await pause()
    }
  }

  async #set(store: DiskStore, keys: readonly string[]): Promise<void> {
    const version = ++this.#version
    this.doing = { keys, version }
    const value = `${version} `.padEnd(400, '.')
    expect(await store.setMany(keys.map((key) => ({ key, value })))).toBe(true)
    for (const key of keys) this.known.set(key, { version, isSoft: false, isThere: true })
  }

  async #mark(key: string, change: Partial<Known>, work: () => Promise<boolean>): Promise<void> {
    const known = this.known.get(key)
    expect(await work()).toBe(true)
    if (known) this.known.set(key, { ...known, ...change })
  }
}

describe('S4-12: a kill while the oldest segment leaves slice by slice', () => {
  it.each([
    ['with hints', (directory: string) => directory],
    ['without hints', withoutHints],
  ])('brings back nothing that was replaced, deleted or softened: %s', { timeout: 300_000 }, async (_name, prepare) => {
    const images: { directory: string; known: Map<string, Known>; doing: Churn['doing'] }[] = []
    const churn = new Churn(5)
    const { store, directory } = await openStore({ maxBytes: '1mb', eviction: 'lru' })
    syncAtOnce()
    let cuts = 0
    atEveryCut(() => {
      if (++cuts % 7 !== 0) return
      images.push({ directory: copyOf(directory), known: new Map(churn.known), doing: churn.doing })
    })
    await churn.run(store, () => images.length > 12)
    for (const { directory: copy, known, doing } of images) {
      const next = await openStore({ directory: prepare(copy), maxBytes: '1mb' })
      expect(next.troubles).toEqual([])
      for (const [key, { version, isSoft, isThere }] of known) {
        const found = await next.store.get(key)
        const at = found && Number.parseInt(found.value.toString(), 10)
        if (at === undefined || (doing.keys.includes(key) && at === doing.version)) continue
        expect([key, at, isThere, found!.isSoft || !isSoft]).toEqual([key, version, true, true])
      }
      await next.store.close()
    }
  })

  it('or a power cut brings back nothing older than what was synced', { timeout: 300_000 }, async () => {
    const images: { directory: string; floor: Map<string, Known> }[] = []
    const churn = new Churn(6)
    const synced = new Map<string, number>()
    syncAtOnce(({ path, bytes }) => void synced.set(path, bytes))
    const { store, directory } = await openStore({ maxBytes: '1mb', eviction: 'lru' })
    let floor = new Map<string, Known>()
    let cuts = 0
    atEveryCut(() => {
      if (++cuts % 7 !== 0) return
      const copy = withoutHints(copyOf(directory))
      // What is cut off is so at once, what is written is not: nothing worse can happen.
      for (const path of filesIn(copy, '.log')) {
        truncateSync(path, Math.min(synced.get(path.replace(copy, directory)) ?? 0, statSync(path).size))
      }
      images.push({ directory: copy, floor })
    })
    await churn.run(
      store,
      () => images.length > 12,
      async () => {
        const known = new Map(churn.known)
        expect(await store.sync()).toBe(true)
        floor = known
      },
    )
    for (const { directory: copy, floor } of images) {
      const next = await openStore({ directory: copy, maxBytes: '1mb' })
      for (const [key, { version, isThere }] of floor) {
        const found = await textOf(next.store, key)
        const at = found === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(found, 10)
        expect([key, at, at >= (isThere ? version : version + 1)]).toEqual([key, at, true])
      }
      await next.store.close()
    }
  })
})

describe('a slice that was cut off', () => {
  /** What a kill at each cut of the first segment leaves, without hints, once that was filled to its end and pushed out. */
  async function imagesOfCuts(store: DiskStore, directory: string, prepare: () => Promise<void>): Promise<string[]> {
    const first = join(directory, FIRST)
    const images: string[] = []
    syncAtOnce()
    atEveryCut(({ path, bytes }) => {
      if (path === first && bytes > 0) images.push(withoutHints(copyOf(directory)))
    })
    await prepare()
    for (let n = 0; existsSync(first); n++) {
      await store.set({ key: `after ${n}`, value: filler })
      await keepUp()
    }
    return images
  }

  it('does not take along what softened an entry that stays in front of it', async () => {
    const { store, directory } = await openStore({ maxBytes: '1mb', eviction: 'fifo' })
    const images = await imagesOfCuts(store, directory, async () => {
      await store.set({ key: 'soft', value: filler })
      for (let n = 0; n < 20; n++) await store.set({ key: `before ${n}`, value: filler })
      await store.soften(['soft'])
    })
    let found = 0
    for (const image of images) {
      const next = await openStore({ directory: image, maxBytes: '1mb' })
      const entry = await next.store.get('soft')
      expect(entry?.isSoft ?? true).toBe(true)
      if (entry && statSync(join(image, FIRST)).size < 20 * filler.length) found++
    }
    expect(found).toBeGreaterThan(0)
  })

  it('ends behind a batch or in front of it: half of one would count as none, and bring back what it replaced', async () => {
    const { store, directory } = await openStore({ maxBytes: '1mb', eviction: 'fifo' })
    const images = await imagesOfCuts(store, directory, async () => {
      await store.setMany(BATCH.map((member) => ({ key: `batch ${member}`, value: 'old' })))
      for (let n = 0; n < 40; n++) await store.set({ key: `before ${n}`, value: filler })
      await store.setMany(BATCH.map((member) => ({ key: `batch ${member}`, value: filler.repeat(2) })))
    })
    const sizes = new Set<number>()
    for (const image of images) {
      const next = await openStore({ directory: image, maxBytes: '1mb' })
      const found = await next.store.getMany(BATCH.map((member) => `batch ${member}`))
      expect(
        found.flatMap((one) => (one?.value.toString() === 'old' ? [statSync(join(image, FIRST)).size] : [])),
      ).toEqual([])
      sizes.add(statSync(join(image, FIRST)).size)
    }
    expect(sizes.size).toBeGreaterThan(1)
  })

  it('is no damage to a read that comes too late: a miss, or the value from where it is now', async () => {
    const { store, troubles } = await openStore({ maxBytes: '1mb', eviction: 'lfu' })
    // Reads of entries wait until what they are to read is gone; those of the evictor do not.
    const late: (() => void)[] = []
    Segment.prototype.read = async function (this: Segment, offset, length) {
      if (this.id === 1 && length < 2_000 && isHolding) await new Promise<void>((go) => late.push(go))
      return read.call(this, offset, length)
    }
    let isHolding = false
    const keys = Array.from({ length: 110 }, (_, n) => `first ${n}`)
    for (const key of keys) await store.set({ key, value: filler })
    for (let n = 0; n < 700; n++) await store.set({ key: `k${n}`, value: filler })
    for (let times = 0; times < 3; times++) await store.getMany(keys.filter((_, n) => n % 10 === 0))
    isHolding = true
    const single = keys.map((key) => store.get(key))
    await until(() => late.length === keys.length, { what: 'reads that wait' })
    isHolding = false
    for (let n = 0; n < 700; n++) {
      await store.set({ key: `later ${n}`, value: filler })
      await keepUp()
    }
    for (const go of late) go()
    const found = await Promise.all(single)
    expect(found.filter((one) => one !== undefined && one.value.toString() !== filler)).toEqual([])
    expect(found.filter((one, n) => n % 10 === 0 && one === undefined)).toEqual([])
    expect(troubles).toEqual([])
    expect(store.stats()).toMatchObject({ damaged: 0, errors: 0, reads: 'closed' })
  })

  it('needs no new hint: the old one says where the rest lies', async () => {
    const { store, directory } = await openStore({ maxBytes: '1mb', eviction: 'fifo' })
    let cuts = 0
    let image: string | undefined
    Segment.prototype.cut = async function (this: Segment, bytes) {
      await cut.call(this, bytes)
      if (++cuts === 4) image = copyOf(directory)
    }
    for (let n = 0; n < 2_000 && image === undefined; n++) {
      await store.set({ key: `k${n}`, value: filler })
      await keepUp()
    }
    // Those that were not sealed yet have none.
    const withoutHint = filesIn(image!, '.log').filter((path) => !existsSync(path.replace('.log', '.hint')))
    expect(filesIn(image!, '.hint').length).toBeGreaterThan(3)
    expect(recover(join(image!, 'v1'), 1).scanned).toBe(withoutHint.length)
  })

  it('or could not be: the segment goes whole, and the budget is kept', async () => {
    const { store, troubles } = await openStore({ maxBytes: '1mb', eviction: 'lru' })
    Segment.prototype.cut = () => Promise.reject(Object.assign(new Error('broken for the test'), { code: 'EIO' }))
    for (let n = 0; n < 3_000; n++) {
      expect(await store.set({ key: `k${n}`, value: filler })).toBe(true)
      expect(store.stats().bytes).toBeLessThanOrEqual(1024 * 1024)
    }
    expect(troubles).toContainEqual(expect.objectContaining({ kind: 'failed', operation: 'evict' }))
    expect(store.stats().evicted).toBeGreaterThan(1_500)
  })
})

it('a hint that outlived its segment is not believed of the next one of its name', async () => {
  const { store, directory } = await openStore({ maxBytes: '1mb' })
  await store.set({ key: 'a', value: 'one' })
  await store.set({ key: 'b', value: 'one' })
  await store.close()
  const hint = join(directory, 'v1/log/seg-00000001.hint')
  rmSync(hint.replace('.hint', '.log'))
  const next = await openStore({ directory, maxBytes: '1mb' })
  expect(existsSync(hint)).toBe(false)
  expect(await textOf(next.store, 'a')).toBeUndefined()
})

it('what opening removes is not the hint that the store is just writing: the next one reads it', async () => {
  const { store, directory } = await openStore({ maxBytes: '1mb' })
  await store.set({ key: 'a', value: 'one' })
  await store.close()
  expect(filesIn(directory, '.hint')).toHaveLength(1)
  writeFileSync(join(directory, 'v1/log/seg-00000001.hint.tmp'), 'half a hint')
  await openStore({ directory, maxBytes: '1mb' })
  expect(filesIn(directory, '.tmp')).toEqual([])
})
