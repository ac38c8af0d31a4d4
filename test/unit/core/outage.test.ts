import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import {
  createTwinServer,
  type FakeClock,
  fakeClock,
  seededRandom,
  sharedTier,
  type TwinServer,
} from '../../../src/testing/index.js'

import { deferred } from '../../kit/twin-caches.js'

/** A shared tier that fails, in every command and in every way: the right answer, no rejection, nothing left open. */
const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, tags: () => ['t'] })
const COMMANDS = [
  'read',
  'control',
  'open',
  'acquire',
  'commit',
  'renew',
  'release',
  'follow',
  'tail',
  'logSince',
] as const

let clock: FakeClock
let server: TwinServer
let cut: { phase: string; command: string; how: 'reject' | 'hang' } | undefined
let cache: Cache
let other: Cache

beforeEach(() => {
  clock = fakeClock()
  cut = undefined
  server = createTwinServer({
    clock,
    random: seededRandom(1),
    deliver: (phase, command, client) => {
      if (client !== 1 || cut?.phase !== phase || (cut.command !== command && cut.command !== '*')) return undefined
      return cut.how === 'hang' ? new Promise(() => {}) : Promise.reject(new Error('cut'))
    },
  })
  const make = (seed: number) =>
    createCache({ tiers: [memoryTier(), sharedTier({ server })], clock, random: seededRandom(seed) })
  cache = make(2)
  other = make(3)
})

afterEach(async () => {
  const closed = Promise.all([cache.close(), other.close()])
  await clock.advance(20_000)
  await closed
  expect(clock.pendingTimers).toBe(0)
})

/** Time goes on until a call has settled. */
async function ends<T>(call: Promise<T>): Promise<T> {
  let isSettled = false
  const settle = (): void => {
    isSettled = true
  }
  call.then(settle, settle)
  for (let ms = 0; ms < 20_000 && !isSettled; ms += 50) await clock.advance(50)
  expect(isSettled).toBe(true)
  return call
}

describe.each(['request', 'reply'] as const)('S2-23, S2-24, S1-22: a shared tier that fails at the %s of', (phase) => {
  for (const how of ['reject', 'hang'] as const) {
    it.each(COMMANDS)(`%s (${how}) leaves every read with the right answer`, async (command) => {
      await other.set(row, 'there', 1)
      await cache.set(row, 'mine', 1)
      cut = { phase, command, how }
      let fills = 0
      const fill = () => ++fills + 100
      const found = await ends(cache.getOrFill(row, 'there', fill))
      expect([1, 101]).toContain(found)
      fills = 0
      const [first, second] = await ends(
        Promise.all([cache.getOrFill(row, 'none', fill), cache.getOrFill(row, 'none', fill)]),
      )
      expect([first, second, fills]).toEqual([101, 101, 1])
      const many = await ends(cache.getOrFillMany(row, ['a', 'b'], (keys) => keys.map((key) => [key, key] as const)))
      expect(many).toEqual(
        new Map([
          ['a', 'a'],
          ['b', 'b'],
        ]),
      )
      expect([undefined, found]).toContain(await ends(cache.get(row, 'there')))
      expect(['fresh', 'failed', 'missing']).toContain((await ends(cache.getEntry(row, 'mine'))).state)
      expect(await ends(cache.getOrFill(row, 'strict', () => 5, { consistency: 'strict' }))).toBe(5)
    })
  }
})

describe('a shared tier that is gone', () => {
  beforeEach(() => {
    cut = { phase: 'request', command: '*', how: 'reject' }
  })

  it('S1-26, B19: is told from a miss by getEntry', async () => {
    const entry = await cache.getEntry(row, 'k')
    expect(entry).toMatchObject({ state: 'failed', error: expect.objectContaining({ message: 'cut' }) })
    expect(await cache.get(row, 'k')).toBeUndefined()
    expect(await cache.getMany(row, ['k'])).toEqual(new Map())
  })

  it('lets no write or invalidation pass for acknowledged', async () => {
    for (const call of [
      () => cache.set(row, 'k', 1),
      () => cache.setMany(row, [['k', 1]]),
      () => cache.delete(row, 'k'),
      () => cache.deleteMany(row, ['k']),
      () => cache.invalidate({ tags: ['t'] }),
      () => cache.clear(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED', cause: { message: 'cut' } })
    }
  })

  it('S2-45, B27: is used again as soon as it is back', async () => {
    await cache.getOrFill(row, 'k', () => 1)
    cut = undefined
    await other.set(row, 'back', 2)
    expect(await cache.getOrFill(row, 'back', () => 9)).toBe(2)
    await cache.getOrFill(row, 'new', () => 3)
    expect(await other.get(row, 'new')).toBe(3)
  })

  it('S2-25: costs one attempt a command, not more', async () => {
    let attempts = 0
    cache.on('tier-failed', () => {
      attempts++
    })
    await cache.getOrFill(row, 'k', () => 1)
    // The subscription, the sync and the read; then the fill goes on alone.
    expect(attempts).toBeLessThanOrEqual(3)
  })

  it("gives the fill's own error to the callers, not that of the tier", async () => {
    const fail = (): never => {
      throw new Error('database down')
    }
    await expect(cache.getOrFill(row, 'k', fail)).rejects.toThrow('database down')
  })
})

describe('a shared tier that fails to say which tags were invalidated', () => {
  it('S1-22: leaves a follower to fill alone, without a rejection', async () => {
    const loaded = deferred<number>()
    const leader = other.getOrFill(row, 'k', () => loaded.promise)
    await clock.settle()
    await other.invalidate({ tags: ['else'] })
    const follower = cache.getOrFill(row, 'k', () => 2)
    await clock.settle()
    cut = { phase: 'request', command: 'control', how: 'reject' }
    loaded.resolve(1)
    expect([await leader, await ends(follower), cache.stats().fills]).toEqual([1, 2, 1])
  })
})

describe('a schema that never settles', () => {
  it('is a miss after the time that a fill has', async () => {
    const validate = () => new Promise<never>(() => {})
    const slow = definePolicy<string, number>({
      name: 'slow',
      ttl: '60s',
      fillTimeout: { hard: '1s' },
      value: { '~standard': { version: 1, vendor: 'test', validate } } as never,
      fill: () => 2,
    })
    await other.set(slow, 'k', 1)
    expect(await ends(cache.getOrFill(slow, 'k'))).toBe(2)
  })
})

describe('what a broken or foreign program left under our keys', () => {
  it.each(['', 'x', '{"plain":"json"}', '1'.repeat(80), '1j--', `1t-:${'a'.repeat(24)}${'0'.repeat(48)}{"$":"no"}`])(
    'is a miss, and is replaced: %j',
    async (bytes) => {
      await cache.get(row, 'other')
      server.database('cache').data.set('0:|row@1|k', bytes, 60_000)
      expect((await cache.getEntry(row, 'k')).state).toBe('missing')
      expect(await cache.getOrFill(row, 'k', () => 2)).toBe(2)
      expect(await other.get(row, 'k')).toBe(2)
    },
  )

  it('in the log is passed over', async () => {
    await cache.getOrFill(row, 'k', () => 1)
    const foreign = [
      '',
      'x',
      'null',
      '[]',
      '["e"]',
      '["e","0:","o",0,[5]]',
      '["e","0:","o",0,["0:|row@1=x"]]',
      '["b","0:","o",0,0,[5],"e",1]',
      '["z"]',
    ]
    for (const payload of foreign) server.database('cache').append(0, payload, 1_000)
    await clock.advance(600)
    await clock.advance(2_000)
    expect(await cache.getOrFill(row, 'k', () => 9)).toBe(1)
    expect(cache.stats().staleness.isCurrent).toBe(true)
  })
})
