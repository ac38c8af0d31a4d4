import { describe, expect, it } from 'vitest'
import { DiskIndex } from '../../../src/disk/disk-index.js'
import { KeyHash } from '../../../src/disk/key-hash.js'
import { seededRandom } from '../../../src/testing/index.js'

const row = (offset: number) => ({ segment: offset % 60_000, offset, length: 100, expiresAt: 7, flags: offset % 8 })

describe('the index', () => {
  it('does what a Map does, through growth and removal', () => {
    const index = new DiskIndex(12345)
    const model = new Map<string, number>()
    const random = seededRandom(11)
    const hash = new KeyHash()
    for (let step = 1; step <= 200_000; step++) {
      const key = `key ${Math.floor(random.next() * 20_000)}`
      const { low, high } = hash.of(key)
      if (random.next() < 0.6) {
        index.put(low, high, row(step))
        model.set(key, step)
      } else if (index.find(low, high)) {
        expect(index.offset).toBe(model.get(key))
        if (random.next() < 0.7) {
          index.remove()
          model.delete(key)
        }
      } else expect(model.has(key)).toBe(false)
    }
    expect(index.size).toBe(model.size)
    for (const [key, step] of model) {
      const { low, high } = hash.of(key)
      expect(index.find(low, high) && index.isAt(step % 60_000, step) && index.flags === step % 8).toBe(true)
    }
  })

  it('costs at most 40 bytes an entry, and is handed over without a copy', () => {
    const index = new DiskIndex(1)
    const hash = new KeyHash()
    for (let n = 1; n <= 300_000; n++) {
      const { low, high } = hash.of(`user:${n}`)
      index.put(low, high, row(n))
      if (n % 50_000 === 0) expect(index.bytes / n).toBeLessThanOrEqual(40)
    }
    const other = new DiskIndex(index.parts())
    const { low, high } = hash.of('user:777')
    expect(other.size).toBe(300_000)
    expect(other.find(low, high) && other.offset).toBe(777)
  })

  it('has room for as many as are expected, and gives back what was not needed', () => {
    const hash = new KeyHash()
    const filled = (expected: number): DiskIndex => {
      const index = new DiskIndex(1, expected)
      for (let n = 1; n <= 20_000; n++) {
        const { low, high } = hash.of(`user:${n}`)
        index.put(low, high, row(n))
      }
      index.fit()
      return index
    }
    for (const expected of [0, 15_000, 20_000, 400_000]) {
      const index = filled(expected)
      expect(index.bytes / 20_000).toBeLessThanOrEqual(40)
      expect(index.size).toBe(20_000)
      for (let n = 1; n <= 20_000; n += 7) {
        const { low, high } = hash.of(`user:${n}`)
        expect(index.find(low, high) && index.offset).toBe(n)
      }
    }
    expect(new DiskIndex(1, 400_000).bytes).toBeGreaterThan(400_000 * 30)
  })

  it('counts uses up to three, beside the marks', () => {
    const index = new DiskIndex(1)
    index.put(5, 6, row(15))
    index.find(5, 6)
    for (let use = 0; use < 9; use++) index.use()
    index.soften(2_000)
    expect([index.uses, index.flags, index.segment]).toEqual([3, 7, 15])
  })
})

describe('the hash of keys', () => {
  it('tells 300,000 like keys apart by all of its 64 bits, evenly', () => {
    const hash = new KeyHash()
    const lows = new Set<number>()
    const shards = new Uint32Array(64)
    const pairs = new Set<string>()
    for (let n = 0; n < 300_000; n++) {
      const { low, high } = hash.of(`5:org-${n % 100}|unit@1|${n}`)
      lows.add(low)
      pairs.add(`${low} ${high}`)
      shards[high >>> 26]!++
    }
    expect(pairs.size).toBe(300_000)
    expect(lows.size).toBeGreaterThan(299_900)
    for (const count of shards) expect(Math.abs(count - 300_000 / 64)).toBeLessThan(500)
  })
})
