import { expect, it } from 'vitest'
import { createCache, definePolicy, memoryTier } from '../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../src/testing/index.js'

/** Their entries live for an hour, and nobody told the server so when the tag was pruned. */
const long = definePolicy({ name: 'long', ttl: '1h', jitter: 0, tags: () => ['t'] })
const short = definePolicy({ name: 'short', ttl: '1s', jitter: 0 })

it('R11: an entry does not come back to life when the clock of its tag is pruned', async () => {
  const clock = fakeClock()
  const server = createTwinServer({ clock, random: seededRandom(1) })
  const open = (seed: number, policies: (typeof long)[]) =>
    createCache({ tiers: [memoryTier(), sharedTier({ server })], clock, random: seededRandom(seed), policies })
  const [filler, other, late] = [open(1, [long]), open(2, [short]), open(3, [long])]
  await filler.getOrFill(long, 'k', () => 1)
  await other.invalidate({ tags: ['t'] })
  await clock.advance(70_000)
  // One bump looks at four tags only.
  for (let times = 0; times < 3; times++) await other.invalidate({ tags: [`else-${times}`] })
  expect(server.database('cache').controls.get('0:')!.read(['t'])).toMatchObject({ tags: [{ hard: undefined }] })
  // A process that never heard of any of it finds the entry, and nothing about its tag.
  expect(await late.getOrFill(long, 'k', () => 2)).toBe(2)
  const closed = Promise.all([filler, other, late].map((cache) => cache.close()))
  await clock.advance(10_000)
  await closed
})
