import fs, { existsSync, readFileSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { createTwinServer, type FakeClock, fakeClock, seededRandom } from '../../../src/testing/index.js'
import { copyAtKill } from '../../kit/copy-at-kill.js'
import { diskCache } from './disk-caches.js'
import { temporaryDirectory } from './store-fixture.js'

const tagged = definePolicy({ name: 'tagged', ttl: '1h', tags: () => ['red'] })
const plain = definePolicy({ name: 'plain', ttl: '1h' })

describe.each([
  ['memory + disk', true],
  ['disk alone', false],
])('%s', (_name, hasMemory) => {
  const clock = fakeClock()
  const start = (directory = temporaryDirectory()) => diskCache({ directory, hasMemory, clock })

  it('answers from disk after a restart', async () => {
    const directory = temporaryDirectory()
    const first = start(directory)
    expect(await first.getOrFill('a', () => 'one')).toBe('one')
    await first.set('b', { when: new Date(0), many: new Set([1]) })
    await first.close()
    const second = start(directory)
    const entry = await second.getOrFillEntry('a', () => 'two')
    expect(entry).toMatchObject({ state: 'fresh', value: 'one', source: 'disk' })
    expect(await second.get('b')).toEqual({ when: new Date(0), many: new Set([1]) })
    expect(second.stats().tiers.disk).toMatchObject({ hits: 2 })
  })

  it.each(['delete', 'tag', 'clear', 'tenant'] as const)(
    'does not bring back what was invalidated: %s',
    async (how) => {
      const directory = temporaryDirectory()
      const first = start(directory)
      const scope = first.tenant('t')
      await scope.getOrFill(tagged, 'a', () => 1)
      await first.getOrFill(plain, 'a', () => 1)
      if (how === 'delete') await scope.delete(tagged, 'a')
      if (how === 'tag') await scope.invalidate({ tags: ['red'] })
      if (how === 'clear' || how === 'tenant') await scope.clear()
      if (how !== 'tenant') expect(await scope.get(tagged, 'a')).toBeUndefined()
      await first.close()
      const second = start(directory)
      expect(await second.tenant('t').get(tagged, 'a')).toBeUndefined()
      expect(await second.get(plain, 'a')).toBe(1)
      expect(await second.tenant('t').getOrFill(tagged, 'a', () => 2)).toBe(2)
      await second.close()
      expect(await start(directory).tenant('t').get(tagged, 'a')).toBe(2)
    },
  )

  it('a soft invalidation leaves it as stale, also for the next process', async () => {
    const directory = temporaryDirectory()
    const policy = definePolicy({ name: 'soft', ttl: '1h', stale: { whileRevalidate: '1h' }, tags: () => ['red'] })
    const first = start(directory)
    await first.getOrFill(policy, 'key', () => 1)
    await first.getOrFill(policy, 'tag', () => 1)
    await first.invalidate({ entries: [[policy, 'key']], soft: true })
    await first.close()
    const second = start(directory)
    expect(await second.getEntry(policy, 'key')).toMatchObject({ state: 'stale', value: 1 })
    expect(await second.getEntry(policy, 'tag')).toMatchObject({ state: 'fresh', value: 1 })
    await second.invalidate({ tags: ['red'], soft: true })
    expect(await second.getEntry(policy, 'tag')).toMatchObject({ state: 'stale', value: 1 })
  })

  it('what was softly invalidated by key stands in for a failed fill no longer than its policy says', async () => {
    const policy = definePolicy({ name: 'soft', ttl: '1h', jitter: 0, stale: { ifError: '5m' } })
    const cache = start(temporaryDirectory())
    await cache.set(policy, 'key', 1)
    await cache.invalidate({ entries: [[policy, 'key']], soft: true })
    const fail = (): never => {
      throw new Error('down')
    }
    expect(await cache.getOrFill(policy, 'key', fail)).toBe(1)
    await clock.advance(5 * 60_000)
    await expect(cache.getOrFill(policy, 'key', fail)).rejects.toThrow('down')
  })

  it('also where it was older than that: it stands in for as long as its policy says, also in the next process', async () => {
    const policy = definePolicy({ name: 'soft', ttl: '1h', jitter: 0, stale: { ifError: '5m' } })
    const directory = temporaryDirectory()
    const first = start(directory)
    const keys = ['here', 'later', 'gone'] as const
    for (const key of keys) await first.set(policy, key, 1)
    await clock.advance(30 * 60_000)
    await first.invalidate({ entries: keys.map((key) => [policy, key] as const), soft: true })
    const fail = (): never => {
      throw new Error('down')
    }
    expect(await first.getOrFill(policy, 'here', fail)).toBe(1)
    await first.close()
    await clock.advance(4 * 60_000)
    const second = start(directory)
    expect(await second.getOrFill(policy, 'later', fail)).toBe(1)
    await clock.advance(60_000)
    for (const key of keys) await expect(second.getOrFill(policy, key, fail)).rejects.toThrow('down')
  })

  it('of what is too large for it no older value stays, and the rest of a batch is stored', async () => {
    const directory = temporaryDirectory()
    const first = diskCache({ directory, hasMemory, clock, disk: { maxEntryBytes: '1kb' } })
    const large = 'x'.repeat(2_000)
    const outcome = hasMemory ? { state: 'stored' } : { state: 'failed', error: { code: 'ENTRY_TOO_LARGE' } }
    const causes: string[] = []
    first.on('not-stored', ({ cause }) => void causes.push(cause))
    for (const key of ['a', 'b']) await first.set(plain, key, 'old')
    const written = await first.setMany(plain, [
      ['a', large],
      ['b', 'new'],
    ])
    expect([written.get('a'), written.get('b')]).toMatchObject([outcome, { state: 'stored' }])
    expect(await first.getOrFill(plain, 'd', () => large)).toBe(large)
    const held = hasMemory ? large : undefined
    expect([await first.get(plain, 'a'), await first.get(plain, 'd')]).toEqual([held, held])
    expect(causes).toEqual(hasMemory ? [] : ['too-large'])
    await first.close()
    const second = start(directory)
    expect(await second.getMany(plain, ['a', 'b', 'd'])).toEqual(new Map([['b', 'new']]))
  })

  it('what a set of undefined, or of no life, ends is gone for the next process', async () => {
    const directory = temporaryDirectory()
    const first = start(directory)
    await first.set(plain, 'a', 1)
    await first.set(plain, 'b', 1)
    await first.set(plain, 'a', undefined)
    await first.set(plain, 'b', 2, { ttl: '0s' })
    await first.close()
    expect(await start(directory).getMany(plain, ['a', 'b'])).toEqual(new Map())
  })

  it('keeps a batch and reads it again by one look', async () => {
    const directory = temporaryDirectory()
    const first = start(directory)
    await first.setMany(plain, [
      ['a', 1],
      ['b', 2],
    ])
    await first.close()
    const second = start(directory)
    const found = await second.getOrFillMany(
      plain,
      ['a', 'b', 'c'],
      (keys) => new Map(keys.map((key) => [key, `${key}!`])),
    )
    expect([...found]).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 'c!'],
    ])
  })

  it('an entry lives no longer than its ttl, whatever happens to the clock', async () => {
    const directory = temporaryDirectory()
    const first = start(directory)
    await first.set('a', 1, { ttl: '10s' })
    await first.close()
    clock.wallOffsetMs -= 3_600_000
    await clock.advance(11_000)
    // Nobody knows how long the process was away: at least the clock of the directory did not go back.
    const second = start(directory)
    expect(await second.getEntry('a')).toMatchObject({ ageMs: expect.any(Number) })
    await clock.advance(11_000)
    expect(await second.get('a')).toBeUndefined()
  })

  it('what is no plain data stays in memory, and a set of it is refused', async () => {
    const cache = start()
    class Odd {}
    await expect(cache.set('a', new Odd())).rejects.toMatchObject({ code: 'UNSERIALISABLE_VALUE' })
    expect(await cache.getOrFill('a', () => new Odd())).toBeInstanceOf(Odd)
    expect((await cache.get('a')) instanceof Odd).toBe(hasMemory)
  })
})

/** From now on the machine tells of another start than before. */
function startMachineAnew(): void {
  const readFile = fs.readFileSync
  vi.spyOn(fs, 'readFileSync').mockImplementation((...args) =>
    String(args[0]).endsWith('/boot_id') ? 'another start' : readFile(...args),
  )
  syncBuiltinESMExports()
}

afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

describe('with a shared tier', () => {
  const pair = () => {
    const clock = fakeClock()
    const server = createTwinServer({ clock, random: seededRandom(5) })
    return { clock, server }
  }
  const other = (server: ReturnType<typeof createTwinServer>, clock: FakeClock) => diskCache({ server, clock })

  it.each([true, false])(
    'S4-14: answers from disk after a restart, replayed up to the log (memory: %s)',
    async (hasMemory) => {
      const { clock, server } = pair()
      const directory = temporaryDirectory()
      const first = diskCache({ directory, server, clock, hasMemory })
      await first.getOrFill(plain, 'kept', () => 1)
      await first.getOrFill(plain, 'deleted', () => 1)
      await first.getOrFill(tagged, 'tagged', () => 1)
      await clock.advance(2_000)
      await first.close()
      // While the process is down:
      const elsewhere = other(server, clock)
      await elsewhere.delete(plain, 'deleted')
      await elsewhere.invalidate({ tags: ['red'] })
      const second = diskCache({ directory, server, clock, hasMemory })
      const seen: string[] = []
      second.on('hit', ({ tier, key }) => void seen.push(`${tier} ${key}`))
      expect(await second.getOrFill(plain, 'kept', () => 2)).toBe(1)
      expect(seen).toEqual(['disk kept'])
      expect(await second.getOrFill(plain, 'deleted', () => 2)).toBe(2)
      expect(await second.getOrFill(tagged, 'tagged', () => 2)).toBe(2)
    },
  )

  it('believes nothing of a disk whose anchor the log no longer has', async () => {
    const { clock, server } = pair()
    const directory = temporaryDirectory()
    const first = diskCache({ directory, server, clock })
    await first.getOrFill(plain, 'a', () => 1)
    await first.close()
    server.trimLog(0)
    const elsewhere = other(server, clock)
    await elsewhere.delete(plain, 'a')
    await elsewhere.delete(plain, 'b')
    server.trimLog(1)
    const second = diskCache({ directory, server, clock })
    expect(await second.getOrFill(plain, 'a', () => 2)).toBe(2)
    await second.close()
    const third = diskCache({ directory, server, clock })
    expect(await third.getOrFillEntry(plain, 'a', () => 3)).toMatchObject({ value: 2, source: 'disk' })
  })

  it('after a power cut, an anchor that outlived the deletions before it counts no more', async () => {
    const { clock, server } = pair()
    const directory = temporaryDirectory()
    const options = { server, clock, disk: { maxBytes: '1mb' } } as const
    const first = diskCache({ ...options, directory })
    await first.getOrFill(plain, 'a', () => 'old')
    await first.close()
    const second = diskCache({ ...options, directory })
    await second.get(plain, 'b')
    const elsewhere = other(server, clock)
    await elsewhere.delete(plain, 'a')
    // On until an anchor lies in the next segment, which may reach the disk before the one with the tombstone does.
    const log = (id: number) => `v1/log/seg-0000000${id}.log`
    const next = join(directory, log(3))
    for (let n = 1; !(existsSync(next) && readFileSync(next).includes('anchors')); n++) {
      await second.set(plain, `k${n}`, 'x'.repeat(1_000))
      if (n % 50 > 0) continue
      await elsewhere.delete(plain, 'b')
      await clock.advance(2_000)
      await second.get(plain, 'b')
      expect(n).toBeLessThan(500)
    }
    const afterwards = temporaryDirectory()
    copyAtKill(directory, afterwards)
    rmSync(join(afterwards, log(2)))
    startMachineAnew()
    const third = diskCache({ ...options, directory: afterwards })
    expect(await third.getOrFill(plain, 'a', () => 'new')).toBe('new')
  })

  it('says nothing from disk while the log cannot be read', async () => {
    const { clock, server } = pair()
    const directory = temporaryDirectory()
    const first = diskCache({ directory, server, clock })
    await first.getOrFill(plain, 'a', () => 1)
    await first.close()
    for (let failure = 0; failure < 9; failure++) server.fail('logSince', new Error('down'))
    const second = diskCache({ directory, server, clock })
    expect(await second.getOrFillEntry(plain, 'a', () => 2)).toMatchObject({ value: 1, source: 'twin' })
  })
})
