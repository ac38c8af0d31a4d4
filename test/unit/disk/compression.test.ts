import { randomFillSync } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { hasZstd, pack, unpack } from '../../../src/disk/compression.js'
import { openStore } from './store-fixture.js'

const CODECS = ['deflate', 'gzip', 'brotli', ...(hasZstd() ? (['zstd'] as const) : [])] as const
const SIZES = [100, 4_000, 16 * 1024, 100_000, 3_000_000]
const text = (bytes: number): Buffer =>
  Buffer.from(
    JSON.stringify({ user: 'Ada' })
      .repeat(bytes / 10)
      .slice(0, bytes),
  )

describe('S4-8: compression', () => {
  it.each(CODECS)('%s gives back what it was given, at every size', async (codec) => {
    for (const bytes of SIZES) {
      const raw = text(bytes)
      const packed = await pack(raw, { codec, level: 1, minBytes: 50 })
      expect(packed!.bytes.length).toBeLessThan(bytes)
      expect((await unpack(packed!.codec, packed!.bytes, bytes)).equals(raw)).toBe(true)
    }
  })

  it('small values are done at once', () => {
    expect(pack(text(4_000), { codec: 'deflate', level: 1, minBytes: 50 })).not.toBeInstanceOf(Promise)
  })

  it('a packed value is what every other program unpacks', async () => {
    const packed = await pack(text(100_000), { codec: 'gzip', level: 6, minBytes: 50 })
    expect(gunzipSync(packed!.bytes).equals(text(100_000))).toBe(true)
  })

  it('what does not shrink is kept as it is', async () => {
    const noise = randomFillSync(Buffer.alloc(100_000))
    expect(await pack(noise, { codec: 'deflate', level: 1, minBytes: 50 })).toBeUndefined()
    expect(await pack(noise.subarray(0, 2_000), { codec: 'deflate', level: 1, minBytes: 50 })).toBeUndefined()
  })

  it('bytes that are not what they say are refused', async () => {
    expect(() => unpack(1, Buffer.from('nonsense'), 100)).toThrow()
    expect(() => unpack(9, Buffer.from('nonsense'), 100)).toThrow()
    await expect(unpack(1, Buffer.from('nonsense'), 100_000)).rejects.toThrow()
  })

  it('a store keeps packed values and gives them back as they were', async () => {
    const { store } = await openStore({ compression: { codec: 'deflate', minBytes: 500 }, maxBytes: '64mb' })
    for (const bytes of SIZES) expect(await store.set({ key: `k${bytes}`, value: text(bytes) })).toBe(true)
    expect(store.stats().bytes).toBeLessThan(400_000)
    for (const bytes of SIZES) expect((await store.get(`k${bytes}`))?.value.equals(text(bytes))).toBe(true)
  })

  it('the last store of a key counts, however long the one before it takes to pack', async () => {
    const { store } = await openStore({ compression: { minBytes: 500 } })
    const slow = store.set({ key: 'a', value: text(200_000) })
    const quick = store.set({ key: 'a', value: 'newer' })
    const slowAgain = store.set({ key: 'b', value: text(200_000) })
    const gone = store.delete(['b'])
    expect(await Promise.all([slow, quick, slowAgain, gone])).toEqual([true, true, true, true])
    expect((await store.get('a'))?.value.toString()).toBe('newer')
    expect(await store.get('b')).toBeUndefined()
  })
})
