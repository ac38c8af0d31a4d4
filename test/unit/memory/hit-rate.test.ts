import { describe, expect, it } from 'vitest'
import { createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { fakeClock, seededRandom } from '../../../src/testing/index.js'

const REQUESTS = 60_000
const KEYS = 5_000
/** What the cache has room for. */
const HELD = KEYS / 4
const SCANNED = 2 * HELD

const row = definePolicy({ name: 'row', ttl: '1h', fill: () => 1 })

/** Keys of which the nth most popular is asked for in proportion to 1/n. */
function zipf(seed: number): () => number {
  const random = seededRandom(seed)
  const sums: number[] = []
  for (let rank = 1; rank <= KEYS; rank++) sums.push((sums.at(-1) ?? 0) + 1 / rank)
  return () => {
    const point = random.next() * sums.at(-1)!
    let [low, high] = [0, KEYS - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! < point) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Counts, not times: what a full cache with the default eviction answers of the popular keys once it is warm. */
async function shareOfHits(scans: boolean): Promise<number> {
  const cache = createCache({
    tiers: [memoryTier({ maxEntries: HELD })],
    clock: fakeClock(),
    random: seededRandom(1),
  })
  const next = zipf(2)
  let hits = 0
  for (let request = 0; request < REQUESTS; request++) {
    if (scans && request % 10_000 === 0) {
      // A batch job reads what nobody needs again.
      for (let key = 0; key < SCANNED; key++) await cache.getOrFill(row, KEYS + request + key)
    }
    let isHit = true
    await cache.getOrFill(row, next(), () => {
      isHit = false
      return 1
    })
    if (isHit && request >= REQUESTS / 2) hits++
  }
  await cache.close()
  return hits / (REQUESTS / 2)
}

describe('a memory tier with room for a quarter of the keys', () => {
  it('S4-1: answers more than four of five requests whose popularity follows Zipf', async () => {
    expect(await shareOfHits(false)).toBeGreaterThan(0.8)
  })

  it('S4-1: and goes on doing so while scans of twice its size pass through', async () => {
    expect(await shareOfHits(true)).toBeGreaterThan(0.8)
  })
})
