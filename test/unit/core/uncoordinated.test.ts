import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'
import { Origin } from '../../kit/twin-caches.js'

/** What one process does to a row: reads it, changes it (then deletes it, or ends its tag), lets time pass. */
const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.constant('read' as const) },
  fc.constantFrom('delete' as const, 'tag' as const),
  fc.constantFrom(1, 700, 2_500, 61_000),
)

describe('S1-12: coordination', () => {
  it('changes no answer and no fill of a process by itself, and neither does a shared tier out of reach', async () => {
    const run = async (steps: readonly (string | number)[], coordinate: object | false, isCut: boolean) => {
      const clock = fakeClock()
      const deliver = (): void => {
        if (isCut) throw new Error('cut')
      }
      const server = createTwinServer({ clock, random: seededRandom(1), deliver })
      const tiers = [memoryTier(), sharedTier({ server })]
      const cache = createCache({ tiers, clock, random: seededRandom(2) })
      const origin = new Origin()
      const row = definePolicy({
        name: 'row',
        ttl: '60s',
        jitter: 0,
        tags: () => ['t'],
        coordinate: coordinate as never,
      })
      const answers: number[] = []
      for (const step of steps) {
        if (step === 'read') answers.push(await cache.getOrFill(row, 'k', origin.load))
        else if (typeof step === 'number') await clock.advance(step)
        else {
          origin.version++
          const done = step === 'delete' ? cache.delete(row, 'k') : cache.invalidate({ tags: ['t'] })
          await done.catch(() => {})
        }
      }
      const closed = cache.close()
      await clock.advance(10_000)
      await closed
      return { answers, reads: origin.reads }
    }
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { maxLength: 30, size: 'max' }), async (steps) => {
        const coordinated = await run(steps, {}, false)
        expect(await run(steps, false, false)).toEqual(coordinated)
        expect((await run(steps, {}, true)).answers).toEqual(coordinated.answers)
      }),
      { numRuns: 100 },
    )
  })
})

describe('S2-27: a cache of a shared tier alone', () => {
  it('holds no value in its process: every read asks the tier', async () => {
    const clock = fakeClock()
    const server = createTwinServer({ clock, random: seededRandom(1) })
    const cache = createCache({ ttl: '60s', tiers: [sharedTier({ server })], clock, random: seededRandom(2) })
    await cache.getOrFill('k', () => 'value')
    for (let reads = 0; reads < 3; reads++) {
      const before = server.commands.read
      expect(await cache.get('k')).toBe('value')
      expect(server.commands.read).toBe(before + 1)
    }
    expect([cache.memory, cache.peek('k'), Object.keys(cache.stats().tiers)]).toEqual([undefined, undefined, ['twin']])
    await server.flushAll()
    expect(await cache.get('k')).toBeUndefined()
    const closed = cache.close()
    await clock.advance(10_000)
    await closed
  })
})
