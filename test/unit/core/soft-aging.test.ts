import { afterEach, describe, expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { deferred, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

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

const fail = (): never => {
  throw new Error('down')
}

/** The first filled the entry, the second holds it in memory, the third has only looked at something else. */
async function threeProcesses() {
  open = twinCaches(3)
  const { caches, clock } = open
  const [a, b, c] = caches
  await a!.getOrFill(row, 'k', () => 'old')
  await b!.get(row, 'k')
  await c!.get(row, 'else')
  return { a: a!, caches, clock }
}

describe.each(['tag', 'entry'] as const)('after a soft invalidation by %s', (way) => {
  it.each([
    ['that held it in memory', 1],
    ['that invalidated it', 0],
    ['that reads it from the shared tier', 2],
  ])('a process %s knows since when it is stale, however late it looks', async (_, index) => {
    const { a, caches, clock } = await threeProcesses()
    await clock.advance(60_000)
    await a.invalidate(ways[way])
    await clock.settle()
    await clock.advance(6_000)
    const entry = await caches[index]!.getEntry(row, 'k')
    expect(entry).toMatchObject({ state: 'stale', value: 'old' })
    expect((entry as { ttlMs: number }).ttlMs).toBeLessThanOrEqual(-5_990)
    await clock.advance(3_900)
    expect(await caches[index]!.getOrFill(row, 'k', fail)).toBe('old')
    await clock.advance(200)
    await expect(caches[index]!.getOrFill(row, 'k', fail)).rejects.toThrow('down')
  })
})

describe.each(['tag', 'entry'] as const)('soft invalidations by %s, one after the other,', (way) => {
  it.each([
    ['that held it in memory', 1],
    ['that invalidated it', 0],
    ['that reads it from the shared tier', 2],
  ])('do not prolong the stale window in a process %s', async (_, index) => {
    const { a, caches, clock } = await threeProcesses()
    for (let second = 0; second < 9; second += 3) {
      await a.invalidate(ways[way])
      await clock.advance(3_000)
    }
    expect(await caches[index]!.getOrFill(row, 'k', fail)).toBe('old')
    await clock.advance(1_100)
    await expect(caches[index]!.getOrFill(row, 'k', fail)).rejects.toThrow('down')
  })

  it('that a process learns of long after, are as old there as everywhere', async () => {
    open = twinCaches(2)
    const { caches, clock, server } = open
    const [a, b] = caches
    await a!.getOrFill(row, 'k', () => 'old')
    await b!.get(row, 'k')
    await clock.advance(1_000)
    server.dropPush = true
    await a!.invalidate(ways[way])
    // Nobody reads there, so it does not look at the log.
    await clock.advance(9_000)
    const readFromMemory = (): Promise<unknown> => {
      server.fail('read', new Error('cut'))
      return b!.getOrFill(row, 'k', fail)
    }
    expect(await readFromMemory()).toBe('old')
    await clock.advance(1_100)
    await expect(readFromMemory()).rejects.toThrow('down')
  })
})

describe('an entry whose tag was softly invalidated', () => {
  it('is not made younger by a soft invalidation of its key, though nobody had looked', async () => {
    open = twinCaches(1)
    const { caches, clock, server } = open
    const [a] = caches
    await a!.getOrFill(row, 'k', () => 'old')
    await a!.invalidate(ways.tag)
    // Before memory is swept.
    await clock.advance(200)
    await a!.invalidate(ways.entry)
    await clock.advance(9_850)
    server.fail('read', new Error('cut'))
    await expect(a!.getOrFill(row, 'k', fail)).rejects.toThrow('down')
  })

  it('is stale since then, though its fill took longer', async () => {
    open = twinCaches(1)
    const { caches, clock, server } = open
    const [a] = caches
    const filled = deferred<string>()
    const answer = a!.getOrFill(row, 'k', () => filled.promise)
    await clock.settle()
    await a!.invalidate(ways.tag)
    await clock.advance(6_000)
    filled.resolve('old')
    await clock.settle()
    expect(await answer).toBe('old')
    await clock.advance(4_100)
    server.fail('read', new Error('cut'))
    await expect(a!.getOrFill(row, 'k', fail)).rejects.toThrow('down')
  })

  it('stands in for as long as it may, however many soft invalidations came before it was filled', async () => {
    open = twinCaches(2)
    const { caches, clock } = open
    const [a, b] = caches
    for (let round = 0; round < 20; round++) {
      await a!.invalidate(ways.tag)
      await clock.advance(1_000)
    }
    await a!.getOrFill(row, 'k', () => 'old')
    await clock.advance(60_000)
    await a!.invalidate(ways.tag)
    await clock.advance(9_900)
    for (const cache of [a!, b!]) expect(await cache.getOrFill(row, 'k', fail)).toBe('old')
    await clock.advance(200)
    for (const cache of [a!, b!]) await expect(cache.getOrFill(row, 'k', fail)).rejects.toThrow('down')
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
