// Run by heap-limit.test.ts under a small heap: stores values until far more was stored than the heap can hold.
import { createCache, definePolicy, memoryTier } from 'freshtier'

const { bound, bytesOfValue, stores } = JSON.parse(process.argv[2])
const reading = definePolicy({ name: 'reading', ttl: '1h' })
const cache = createCache({ tiers: [memoryTier(bound)] })
const changes = []
cache.on('memory-pressure', ({ state, cause }) => changes.push({ state, cause }))
// Promises alone, so that no timer ever runs: the tier must notice by itself.
for (let id = 0; id < stores; id++) {
  await cache.set(reading, id, {
    id,
    samples: Array.from({ length: bytesOfValue / 8 }, (_, index) => id + index + 0.5),
  })
}
const held = cache.stats().tiers.memory
const newest = cache.peek(reading, stores - 1)
process.stdout.write(JSON.stringify({ changes, held, newest: newest?.id }))
await cache.close()
