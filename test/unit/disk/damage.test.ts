import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { directoryStats, repairDirectory, verifyDirectory } from '../../../src/disk/directory.js'
import type { DiskStore } from '../../../src/disk/disk-store.js'
import { openStore, temporaryDirectory, textOf } from './store-fixture.js'

/** The files of a directory with their content, the lock aside. */
type Image = Map<string, Buffer>

function takeImage(directory: string): Image {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'LOCK')
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
  return new Map(names.sort().map((name) => [name, readFileSync(join(directory, name))]))
}

async function openImage(directory: string, image: Image): ReturnType<typeof openStore> {
  rmSync(directory, { recursive: true, force: true })
  for (const [name, bytes] of image) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), bytes)
  }
  return openStore({ directory })
}

/** What a small store holds at the end, undefined for what was deleted. */
const EXPECTED: Record<string, string | undefined> = {
  single: 'the only one',
  replaced: 'the new one',
  deleted: undefined,
  'batch 1': 'together 1',
  'batch 2': 'together 2',
  file: 'in a file of its own '.repeat(3),
  'file again': 'the new one '.repeat(6),
  last: 'the last one',
}

async function fill(store: DiskStore): Promise<void> {
  await store.set({ key: 'replaced', value: 'the old one' })
  await store.set({ key: 'deleted', value: 'the old one' })
  await store.set({ key: 'single', value: 'the only one' })
  await store.set({ key: 'file again', value: 'the old one '.repeat(5) })
  await store.set({ key: 'replaced', value: 'the new one' })
  await store.delete(['deleted'])
  await store.setMany([
    { key: 'batch 1', value: 'together 1' },
    { key: 'batch 2', value: 'together 2' },
  ])
  await store.set({ key: 'file', value: EXPECTED.file! })
  await store.set({ key: 'file again', value: EXPECTED['file again']! })
  await store.set({ key: 'last', value: 'the last one' })
}

/** Keys that are lost; fails if one has a value that it must not have. */
async function lost(store: DiskStore, what: string): Promise<string[]> {
  const missing: string[] = []
  for (const [key, value] of Object.entries(EXPECTED)) {
    const found = await textOf(store, key)
    if (found !== value && found !== undefined) throw new Error(`${what}: '${key}' answered '${found.slice(0, 40)}'`)
    if (found !== value) missing.push(key)
  }
  return missing
}

/** A store as an orderly end leaves it, or as a kill does: without hints. */
async function smallStore(isKilled: boolean): Promise<Image> {
  const { store, directory } = await openStore({ maxLogValueBytes: 30 })
  await fill(store)
  if (!isKilled) await store.close()
  return takeImage(directory)
}

describe.each([
  ['closed in order', false],
  ['killed', true],
])('a store that was %s', (_name, isKilled) => {
  it('S4-14: whichever byte is flipped, no value is wrong and one record at most is lost', {
    timeout: 900_000,
  }, async () => {
    const image = await smallStore(isKilled)
    const directory = temporaryDirectory()
    let flips = 0
    for (const [name, bytes] of image) {
      for (let at = 0; at < bytes.length; at++) {
        const flipped = Buffer.from(bytes)
        flipped[at]! ^= 1 << (at % 8)
        const { store } = await openImage(directory, new Map([...image, [name, flipped]]))
        const what = `byte ${at} of ${name}`
        const missing = await lost(store, what)
        expect(missing.length, `${what} lost ${missing.join(', ')}`).toBeLessThanOrEqual(1)
        // The damage must not spread either: what can be read can be read again.
        await store.close()
        flips++
      }
    }
    expect(flips).toBeGreaterThan(1_000)
  })

  it('any file may be missing or foreign', async () => {
    const image = await smallStore(isKilled)
    const directory = temporaryDirectory()
    for (const name of image.keys()) {
      const { [name]: _gone, ...rest } = Object.fromEntries(image)
      const { store } = await openImage(directory, new Map(Object.entries(rest)))
      await lost(store, `without ${name}`)
      await store.close()
      const { store: other } = await openImage(directory, new Map([...image, [name, Buffer.from('not ours at all')]]))
      await lost(other, `with a foreign ${name}`)
      await other.close()
    }
    const { store } = await openImage(
      directory,
      new Map([
        ...image,
        ['v1/log/README', Buffer.from('hello')],
        ['v1/log/seg-99999999.log', Buffer.from('FTd2 of the future')],
      ]),
    )
    expect(await lost(store, 'with more files')).toEqual([])
  })
})

describe('a directory that is called like a segment or a hint', () => {
  it('is left alone, told by an event and by verify, and in nobody’s way', async () => {
    const { store, directory } = await openStore({ maxBytes: '1mb' })
    await store.set({ key: 'a', value: 'one' })
    await store.close()
    const log = join(directory, 'v1/log')
    const foreign = [
      'seg-00000001.hint',
      'seg-00000002.log',
      'seg-00000003.log',
      'seg-00000004.hint',
      'seg-00009999.log',
    ]
    rmSync(join(log, foreign[0]!))
    for (const name of foreign) mkdirSync(join(log, name))
    writeFileSync(join(log, foreign[0]!, 'README'), 'hello')

    const next = await openStore({ directory, maxBytes: '1mb' })
    for (const name of foreign) {
      const error = expect.objectContaining({ message: `'${name}' is called like a segment or a hint and is no file` })
      expect(next.troubles).toContainEqual({ kind: 'failed', operation: 'open', error })
    }
    expect(await textOf(next.store, 'a')).toBe('one')
    for (let n = 0; n < 300; n++) expect(await next.store.set({ key: `k${n}`, value: 'x'.repeat(1_000) })).toBe(true)
    await next.store.close()
    const { faults } = await verifyDirectory(directory)
    expect([...faults].sort()).toEqual(foreign.map((name) => `${name}: not a file, left alone`))
    expect(directoryStats(directory).segments).toBeGreaterThan(2)
    await repairDirectory(directory)

    // What a kill in the middle of healing leaves behind is thrown away; what is not ours stays.
    writeFileSync(join(directory, 'v1/HEALING'), '')
    const last = await openStore({ directory, maxBytes: '1mb' })
    expect([last.store.state, await textOf(last.store, 'a')]).toEqual(['open', undefined])
    expect(readFileSync(join(log, foreign[0]!, 'README'), 'utf8')).toBe('hello')
  })
})

describe.each([
  ['killed', true],
  ['closed in order, so that its hint says more than is left', false],
])('a log that was cut after it was %s', (_name, isKilled) => {
  it('S4-13: is the store of some earlier moment, wherever it was cut; a batch is there whole or not at all', {
    timeout: 900_000,
  }, async () => {
    const image = await smallStore(isKilled)
    const [name] = [...image.keys()].filter((path) => path.endsWith('.log'))
    const bytes = image.get(name!)!
    const directory = temporaryDirectory()
    const before = new Set(['the old one', 'the old one '.repeat(5)])
    for (let length = 0; length <= bytes.length; length++) {
      const { store } = await openImage(directory, new Map([...image, [name!, bytes.subarray(0, length)]]))
      for (const [key, value] of Object.entries(EXPECTED)) {
        const found = await textOf(store, key)
        expect(found === undefined || found === value || before.has(found), `${key} at ${length}`).toBe(true)
      }
      expect((await textOf(store, 'batch 1')) === undefined).toBe((await textOf(store, 'batch 2')) === undefined)
      if (length % 25 === 0) {
        await store.set({ key: 'after', value: 'goes on' })
        expect(await textOf(store, 'after')).toBe('goes on')
      }
      await store.close()
    }
  })
})
