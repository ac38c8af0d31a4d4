import { describe, expect, it } from 'vitest'
import { type Cache, CacheError, type Consistency, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'
import { History } from '../../kit/history.js'

const MAX_STALENESS_MS = 2_000
const SEEDS = Number(process.env.SEEDS ?? 10_000)
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1)
const STEPS = 90

const row = definePolicy({ name: 'row', ttl: '1h', tags: () => ['t'], coordinate: { waitMs: 400, pollMaxMs: 100 } })
const LEVELS: readonly Consistency[] = ['bounded', 'bounded', 'strict']

/**
 * One seeded run of caches over one twin, in which every message and every step of a fill waits until the schedule
 * picks it, and calls begin at any moment. Answers what went against the promises.
 */
async function play(seed: number, processes: number): Promise<{ violations: string[]; reads: number }> {
  const random = seededRandom(seed)
  const clock = fakeClock()
  const history = new History(MAX_STALENESS_MS)
  const waiting: (() => void)[] = []
  /** A process that is cut off: its messages wait until the cut is healed. */
  let cutOff: number | undefined
  const stalled: (() => void)[] = []
  const hop = (_phase?: string, _command?: string, client?: number): Promise<void> =>
    new Promise((resolve) => {
      const isStalled = client !== undefined && client === cutOff
      if (isStalled) stalled.push(resolve)
      else waiting.push(resolve)
    })
  const server = createTwinServer({ clock, random: seededRandom(seed), deliver: hop })
  const isShared = processes > 1
  const caches = Array.from({ length: processes }, (_, index) =>
    createCache({
      name: 'test',
      tiers: isShared ? [memoryTier(), sharedTier({ server })] : [memoryTier()],
      clock,
      random: seededRandom(seed * 10 + index),
    }),
  )
  const calls: Promise<unknown>[] = []
  let version = 1

  const fill = async (): Promise<number> => {
    await hop()
    const loaded = version
    await hop()
    return loaded
  }
  /** A broken tier rejects no read; only a cache that is closed does. */
  const expectAnswer = (what: string, read: Promise<void>): void => {
    const settled = read.catch((error: unknown) => {
      if (!CacheError.is(error) || error.code !== 'CACHE_CLOSED')
        history.violations.push(`${what} rejected: ${String(error)}`)
    })
    calls.push(settled)
  }
  const read = (client: number, cache: Cache): void => {
    const level = isShared ? LEVELS[random.integer(LEVELS.length)]! : 'strict'
    const least = history.least(clock.now(), level, client)
    const what = `seed ${seed}: a ${level} read of client ${client} at ${clock.now()} ms`
    const note = (value: unknown): void => {
      if (value !== undefined) history.read(value as number, least, what)
    }
    const way = random.integer(10)
    if (way === 0) expectAnswer(what, cache.get(row, 'k', { consistency: level }).then(note))
    else if (way === 1) {
      const many = cache.getOrFillMany(
        row,
        ['k', 'l'],
        async (keys) => {
          const loaded = await fill()
          return new Map(keys.map((key) => [key, loaded]))
        },
        { consistency: level },
      )
      expectAnswer(
        what,
        many.then((values) => note(values.get('k'))),
      )
    } else if (way === 2 && level === 'bounded') note(cache.peek(row, 'k'))
    else expectAnswer(what, cache.getOrFill(row, 'k', fill, { consistency: level }).then(note))
  }
  const write = (client: number, cache: Cache): void => {
    const committed = ++version
    const way = random.integer(6)
    const acknowledged = way < 3 ? cache.delete(row, 'k') : way < 5 ? cache.invalidate({ tags: ['t'] }) : cache.clear()
    // A rejection is no promise.
    calls.push(
      acknowledged.then(
        () => history.acknowledge(committed, clock.now(), client),
        () => {},
      ),
    )
  }

  for (
    let step = 0;
    step < STEPS || waiting.length > 0 || (step < STEPS * 4 && clock.pendingTimers > processes * 3);
    step++
  ) {
    const dice = random.integer(100)
    const client = random.integer(processes)
    if (step < STEPS && dice < 22) read(client + 1, caches[client]!)
    else if (step < STEPS && dice < 27) write(client + 1, caches[client]!)
    else if (step < STEPS && dice === 27) server.dropPush = !server.dropPush
    else if (step < STEPS && dice === 28) server.evict('0:', 'controls')
    else if (step < STEPS && dice === 29) server.trimLog(1)
    else if (step < STEPS && dice === 30) {
      cutOff = cutOff === undefined ? client + 1 : undefined
      waiting.push(...stalled.splice(0))
    } else if (dice < 36 || waiting.length === 0) await clock.advance(random.integer(dice % 2 === 0 ? 60 : 700))
    else waiting.splice(random.integer(waiting.length), 1)[0]!()
    await clock.settle()
  }
  const closed = Promise.all(caches.map((cache) => cache.close({ graceMs: 0 })))
  cutOff = undefined
  for (let round = 0; round < 200; round++) {
    for (const go of [...waiting.splice(0), ...stalled.splice(0)]) go()
    await clock.advance(500)
    if (waiting.length === 0 && clock.pendingTimers === 0) break
  }
  await Promise.allSettled(calls)
  await closed
  return { violations: history.violations, reads: history.reads }
}

describe('10,000 seeded schedules', () => {
  for (const processes of [1, 2]) {
    it(`S2-10, S2-42: no read of ${processes} process${processes > 1 ? 'es' : ''} breaks the promise of its level`, {
      timeout: 300_000,
    }, async () => {
      const violations: string[] = []
      let reads = 0
      for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS / 2; seed++) {
        const outcome = await play(seed, processes)
        reads += outcome.reads
        violations.push(...outcome.violations)
      }
      expect(violations).toEqual([])
      expect(reads).toBeGreaterThan(SEEDS)
    })
  }
})
