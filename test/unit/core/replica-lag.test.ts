import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, definePolicy, type FillContext } from '../../../src/index.js'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** R12: a source whose replicas lag. What may be old lives short, and an older version of the row is not stored. */
const row = definePolicy({ name: 'row', ttl: '1h', jitter: 0, stale: { ifError: '1h' }, replicaLag: { max: '2s' } })
const told = definePolicy({ name: 'told', ttl: '1h', jitter: 0, replicaLag: { max: '2s', action: 'tell' } })

let open: TwinCaches | undefined

function setUp(): TwinCaches & { a: Cache; b: Cache } {
  open = twinCaches(2)
  const [a, b] = open.caches
  return { ...open, a: a!, b: b! }
}

afterEach(async () => {
  await open?.close()
  open = undefined
})

/** A fill that notes what it was told. */
function noting() {
  const warned: boolean[] = []
  const fill = ({ recentlyInvalidated }: FillContext): string => {
    warned.push(recentlyInvalidated)
    return 'old'
  }
  return { warned, fill }
}

describe('R12: after a delete', () => {
  it('fills of the policy are told, in every process, until the lag is over', async () => {
    const { a, b, clock } = setUp()
    const { warned, fill } = noting()
    await b.getOrFill(told, 'k', fill)
    await a.delete(told, 'k')
    await clock.settle()
    await b.getOrFill(told, 'k', fill)
    await a.delete(told, 'k')
    await clock.advance(2_001)
    await b.getOrFill(told, 'k', fill)
    expect(warned).toEqual([false, true, false])
  })

  it('what is filled within the lag lives no longer than it, also not as stale', async () => {
    const { a, b, clock } = setUp()
    await a.delete(row, 'k')
    await clock.settle()
    expect(await b.getOrFillEntry(row, 'k', () => 'old')).toMatchObject({ ttlMs: 2_000 })
    await clock.advance(2_001)
    for (const cache of [a, b]) expect((await cache.getEntry(row, 'k')).state).toBe('missing')
  })

  it('it lives as ever where the fill takes care itself', async () => {
    const { a, b, clock } = setUp()
    await a.delete(told, 'k')
    await clock.settle()
    expect(await b.getOrFillEntry(told, 'k', () => 'new')).toMatchObject({ ttlMs: 3_600_000 })
  })

  it('an older version of the row is answered and not stored', async () => {
    const { a, b, clock } = setUp()
    await a.delete(row, 'k', { version: 42 })
    await clock.settle()
    expect(await b.getOrFill(row, 'k', (ctx) => ctx.value('old', { version: 41 }))).toBe('old')
    expect(await b.getOrFill(row, 'k', (ctx) => ctx.value('new', { version: 42 }))).toBe('new')
    expect(await a.get(row, 'k')).toBe('new')
  })

  it('a fill that can ask nobody for a mark is told as if there were one, alone or of several keys', async () => {
    const { a, server } = setUp()
    const { warned, fill } = noting()
    const fillMany = (keys: unknown[], { recentlyInvalidated }: { recentlyInvalidated: boolean }) => {
      warned.push(recentlyInvalidated)
      return keys.map((key) => [key as string, 'old'] as const)
    }
    for (let times = 0; times < 2; times++) server.fail('acquire', new Error('down'))
    await a.getOrFill(told, 'k', fill)
    await a.getOrFillMany(told, ['l', 'm'], fillMany)
    expect(warned).toEqual([true, true])
    server.fail('acquire', new Error('down'))
    expect(await a.getOrFillEntry(row, 'k', () => 'old')).toMatchObject({ ttlMs: 2_000 })
  })

  it('the highest version counts, whoever named it', async () => {
    const { a, b } = setUp()
    await a.delete(row, 'k', { version: '100' })
    await b.delete(row, 'k', { version: '42' })
    expect(await b.set(row, 'k', 'old', { version: '99' })).toEqual({ state: 'superseded' })
    expect(await b.set(row, 'k', 'new', { version: '100' })).toEqual({ state: 'stored' })
  })

  it('a version named for several keys counts for each of them, also when they waited in the queue', async () => {
    const { a, b, clock, server } = setUp()
    const keys = ['k', 'l']
    const older = async (): Promise<unknown[]> =>
      Promise.all(keys.map(async (key) => (await b.set(row, key, 'old', { version: 41 })).state))
    const { token } = await a.deleteMany(row, keys, { version: 42 })
    expect(token).not.toBe('')
    expect(await older()).toEqual(['superseded', 'superseded'])
    await clock.advance(2_001)
    expect(await older()).toEqual(['stored', 'stored'])
    server.fail('mark', new Error('cut'))
    expect(await a.bind(row).deleteMany(keys, { version: 42, whenUnavailable: 'queue' })).toMatchObject({
      state: 'queued',
    })
    await clock.advance(1_000)
    expect(await older()).toEqual(['superseded', 'superseded'])
  })

  it('of an entry named by invalidate, and of several at once, the same holds', async () => {
    const { a, b, clock } = setUp()
    const { warned, fill } = noting()
    await a.invalidate({ entries: [[told, 'k']] })
    await a.deleteMany(told, ['l', 'm'])
    await clock.settle()
    for (const key of ['k', 'l', 'm', 'n']) await b.getOrFill(told, key, fill)
    await b.getOrFillMany(told, ['o'], (keys) => keys.map((key) => [key, 'x']))
    expect(warned).toEqual([true, true, true, false])
  })
})

describe('a replica lag', () => {
  it.each([[{}], [{ max: '0s' }], [{ max: '2h' }], [{ max: '1s', action: 'shout' }], [5]])(
    'refuses %j',
    (replicaLag) => {
      expect(() => definePolicy({ name: 'x', ttl: '1s', replicaLag: replicaLag as never })).toThrow(
        expect.objectContaining({ field: expect.stringContaining('replicaLag') }),
      )
    },
  )

  it('is needed by a delete that names a version', async () => {
    const { a } = setUp()
    const plain = definePolicy({ name: 'plain', ttl: '1s' })
    await expect(a.delete(plain, 'k', { version: 1 })).rejects.toMatchObject({ field: 'options.version' })
    await expect(a.deleteMany(plain, ['k'], { version: 1 })).rejects.toMatchObject({ field: 'options.version' })
    await expect(a.delete(row, 'k', { version: -1 })).rejects.toMatchObject({ field: 'options.version' })
  })
})
