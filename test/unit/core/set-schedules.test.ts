import { describe, expect, it } from 'vitest'
import { type Cache, CacheError, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'
import { History } from '../../kit/history.js'

const MAX_STALENESS_MS = 2_000
const SEEDS = Number(process.env.SEEDS ?? 3_000)
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1)
const STEPS = 80

const row = definePolicy({
  name: 'row',
  ttl: '1h',
  stale: { whileRevalidate: '1h', ifError: '1h' },
  tags: () => ['t'],
  coordinate: { waitMs: 400, pollMaxMs: 100 },
})

/**
 * As the schedules of invalidations, with `set`, `delete` and `refresh`, and batches of both. Writers take turns: two
 * stores at once are ordered by the shared tier, not by the origin.
 */
async function play(seed: number): Promise<{ violations: string[]; reads: number }> {
  const random = seededRandom(seed)
  const clock = fakeClock()
  const history = new History(MAX_STALENESS_MS)
  const waiting: (() => void)[] = []
  const hop = (): Promise<void> => new Promise((resolve) => waiting.push(resolve))
  const server = createTwinServer({ clock, random: seededRandom(seed), deliver: hop })
  const caches = [1, 2].map((client) =>
    createCache({ tiers: [memoryTier(), sharedTier({ server })], clock, random: seededRandom(seed * 10 + client) }),
  )
  const calls: Promise<unknown>[] = []
  let version = 1
  let isWriting = false

  const fill = async (): Promise<number> => {
    await hop()
    const loaded = version
    await hop()
    return loaded
  }
  const read = (client: number, cache: Cache): void => {
    const level = (['bounded', 'bounded', 'strict'] as const)[random.integer(3)]!
    const least = history.least(clock.now(), level, client)
    const what = `seed ${seed}: a ${level} read of client ${client} at ${clock.now()} ms`
    const note = (value: unknown): void => {
      if (value !== undefined) history.read(value as number, least, what)
    }
    const options = { consistency: level }
    const fillMany = async (keys: (string | number)[]) => {
      const loaded = await fill()
      return keys.map((key) => [key, loaded] as const)
    }
    /** A broken tier rejects no read; only a cache that is closed does. */
    const expectAnswer = (answer: Promise<void>): void => {
      const settled = answer.catch((error: unknown) => {
        const isClosed = CacheError.is(error) && error.code === 'CACHE_CLOSED'
        if (!isClosed) history.violations.push(`${what} rejected: ${String(error)}`)
      })
      calls.push(settled)
    }
    const way = random.integer(5)
    if (way === 0) expectAnswer(cache.get(row, 'k', options).then(note))
    else if (way === 1)
      expectAnswer(cache.getOrFillMany(row, ['k', 'l'], fillMany, options).then((all) => note(all.get('k'))))
    else if (way === 2 && level === 'bounded') note(cache.peek(row, 'k'))
    else expectAnswer(cache.getOrFill(row, 'k', fill, options).then(note))
  }
  const write = (client: number, cache: Cache): void => {
    if (isWriting) return
    isWriting = true
    const written = ++version
    const way = random.integer(4)
    const acknowledged: Promise<unknown> =
      way === 0
        ? cache.setMany(row, [
            ['k', written],
            ['l', written],
          ])
        : way === 1
          ? cache.delete(row, 'k')
          : cache.set(row, 'k', written)
    const ended = acknowledged.then(
      () => {
        history.acknowledge(written, clock.now(), client)
        isWriting = false
      },
      // Nobody knows when a store that was not acknowledged arrives (A10): nothing is written after it.
      () => {},
    )
    calls.push(ended)
  }

  for (let step = 0; step < STEPS || waiting.length > 0; step++) {
    const dice = random.integer(100)
    const client = random.integer(2)
    if (step < STEPS && dice < 24) read(client + 1, caches[client]!)
    else if (step < STEPS && dice < 32) write(client + 1, caches[client]!)
    else if (step < STEPS && dice === 32) server.dropPush = !server.dropPush
    else if (dice < 38 || waiting.length === 0) await clock.advance(random.integer(dice % 2 === 0 ? 60 : 700))
    else waiting.splice(random.integer(waiting.length), 1)[0]!()
    await clock.settle()
  }
  const closed = Promise.all(caches.map((cache) => cache.close({ graceMs: 0 })))
  for (let round = 0; round < 200; round++) {
    for (const go of waiting.splice(0)) go()
    await clock.advance(500)
    if (waiting.length === 0 && clock.pendingTimers === 0) break
  }
  await Promise.allSettled(calls)
  await closed
  return { violations: history.violations, reads: history.reads }
}

describe('seeded schedules of set and delete', () => {
  it('no read is older than what was acknowledged, by its level', { timeout: 300_000 }, async () => {
    const violations: string[] = []
    let reads = 0
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const outcome = await play(seed)
      reads += outcome.reads
      violations.push(...outcome.violations)
    }
    expect(violations).toEqual([])
    expect(reads).toBeGreaterThan(SEEDS)
  })
})
