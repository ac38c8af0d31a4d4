import { describe, expect, it } from 'vitest'
import { createCache, definePolicy, memoryTier } from '../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../src/testing/index.js'

const tagged = definePolicy({ name: 'tagged', ttl: '1h', jitter: 0, tags: () => ['t'] })

describe('R11: clocks that were lost by a server whose own clock then went back', () => {
  it('are not trusted any more: what was invalidated since is dead', async () => {
    const clock = fakeClock()
    let offsetMs = 0
    const serverClock = Object.create(clock, { now: { value: () => clock.now() + offsetMs } })
    const server = createTwinServer({ clock: serverClock, random: seededRandom(1) })
    const open = (seed: number) =>
      createCache({ tiers: [memoryTier(), sharedTier({ server })], clock, random: seededRandom(seed) })
    const [cache, other] = [open(2), open(3)]
    await cache.getOrFill(tagged, 'k', () => 1)
    await other.getOrFill(tagged, 'k', () => 1)
    server.evict('0:', 'controls')
    offsetMs = -5_000
    await cache.invalidate({ tags: ['t'] })
    expect(await cache.get(tagged, 'k')).toBeUndefined()
    await clock.advance(2_001)
    expect(await other.getOrFill(tagged, 'k', () => 2)).toBe(2)
    expect(await cache.getOrFill(tagged, 'k', () => 3)).toBe(2)
    const closed = Promise.all([cache.close(), other.close()])
    await clock.advance(10_000)
    await closed
  })
})
