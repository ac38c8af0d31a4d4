import { seededRandom } from './seeded-random.mjs'

const REQUESTS = 400_000
const MEDIAN_BYTES = 2_000

/** Workloads that tell evictions apart, for machines without real traces. */
const SOURCES = {
  'zipf-0.8': () => zipf(50_000, 0.8, 1),
  'zipf-1.0': () => zipf(50_000, 1, 2),
  'zipf-moving': () => movingZipf(20_000, 0.9, 3),
  'zipf-scans': () => withScans(20_000, 0.9, 4),
  recent: () => recent(5),
  loop: () => loop(4_000),
}

export const SYNTHETIC_NAMES = Object.keys(SOURCES)

/** Seeded: the same on every machine. Keys are numbered by first appearance; sizes are log-normal around 2 kB. */
export function syntheticTrace(name, { requests = REQUESTS } = {}) {
  const source = SOURCES[name]()
  const ids = new Map()
  const keys = Uint32Array.from({ length: requests }, (_, at) => {
    const key = source(at)
    if (!ids.has(key)) ids.set(key, ids.size)
    return ids.get(key)
  })
  return { keys, sizes: logNormalSizes(ids.size, 6) }
}

function logNormalSizes(count, seed) {
  const random = seededRandom(seed)
  return Uint32Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
    return Math.ceil(MEDIAN_BYTES * Math.exp(normal))
  })
}

/** Popularity falls with the rank's power. */
function zipf(count, exponent, seed) {
  const random = seededRandom(seed)
  const sums = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) sums[rank] = sum += 1 / (rank + 1) ** exponent
  return () => rankAt(sums, random.next() * sum)
}

function rankAt(sums, point) {
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sums[middle] < point) low = middle + 1
    else high = middle
  }
  return low
}

/** What is popular wanders: each 20 requests the ranks move on by one key. */
function movingZipf(count, exponent, seed) {
  const rank = zipf(count, exponent, seed)
  return (at) => Math.floor(at / 20) + rank()
}

/** Every 50,000 requests a batch job reads 10,000 keys that nobody needs again. */
function withScans(count, exponent, seed) {
  const rank = zipf(count, exponent, seed)
  return (at) => (at % 50_000 < 10_000 ? 1_000_000 + at : rank())
}

/** New keys all the time, each asked for some times soon after: feeds, sessions. */
function recent(seed) {
  const random = seededRandom(seed)
  let newest = 0
  return () => {
    if (random.next() < 0.2) return ++newest
    return Math.max(0, newest - Math.floor(-Math.log(1 - random.next()) * 800))
  }
}

/** The same keys round and round: what LRU is worst at. */
function loop(length) {
  return (at) => at % length
}
