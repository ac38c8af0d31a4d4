import { afterEach, describe, expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** What is softly invalidated ages from the invalidation, not from when somebody notices it. */
const row = definePolicy({
  name: 'row',
  ttl: '10m',
  jitter: 0,
  tags: () => ['t'],
  stale: { ifError: '10s' },
})

let open: TwinCaches | undefined

afterEach(async () => {
  await open?.close()
  open = undefined
})

const ways = {
  tag: { tags: ['t'], soft: true },
  entry: { entries: [[row, 'k']], soft: true },
} as const

describe.each(['tag', 'entry'] as const)('after a soft invalidation by %s', (way) => {
  it.each([
    ['that held it in memory', 1],
    ['that invalidated it', 0],
    ['that reads it from the shared tier', 2],
  ])('a process %s knows since when it is stale, however late it looks', async (_, index) => {
    open = twinCaches(3)
    const { caches, clock } = open
    const [a, b, c] = caches
    await a!.getOrFill(row, 'k', () => 'old')
    await b!.get(row, 'k')
    await c!.get(row, 'else')
    await clock.advance(60_000)
    await a!.invalidate(ways[way])
    await clock.settle()
    await clock.advance(6_000)
    const entry = await caches[index]!.getEntry(row, 'k')
    expect(entry).toMatchObject({ state: 'stale', value: 'old' })
    expect((entry as { ttlMs: number }).ttlMs).toBeLessThanOrEqual(-5_990)
    const fail = (): never => {
      throw new Error('down')
    }
    await clock.advance(3_900)
    expect(await caches[index]!.getOrFill(row, 'k', fail)).toBe('old')
    await clock.advance(200)
    await expect(caches[index]!.getOrFill(row, 'k', fail)).rejects.toThrow('down')
  })
})

describe('an entry that was stale already', () => {
  it('is not made younger by a soft invalidation', async () => {
    open = twinCaches(2)
    const [a, b] = open.caches
    await a!.getOrFill(row, 'k', () => 'old')
    await open.clock.advance(605_000)
    await a!.invalidate(ways.entry)
    expect((await b!.getEntry(row, 'k')) as object).toMatchObject({ state: 'stale', ttlMs: -5_000 })
  })
})
