import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, type CacheEvent, definePolicy } from '../../../src/index.js'
import { deferred, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, tags: (key) => [`tag-${key}`] })

let open: TwinCaches | undefined

function setUp(count = 2): TwinCaches & { a: Cache; b: Cache } {
  open = twinCaches(count)
  const [a, b] = open.caches
  return { ...open, a: a!, b: b ?? a! }
}

afterEach(async () => {
  await open?.close()
  expect(open?.clock.pendingTimers).toBe(0)
  open = undefined
})

/** A fill of several keys that notes what it was asked for. */
function filling(value: unknown) {
  const asked: unknown[][] = []
  const fill = (keys: (string | number)[]) => {
    asked.push(keys)
    return keys.map((key) => [key, value] as const)
  }
  return { asked, fill: fill as (keys: (string | number)[]) => [string | number, number][] & typeof asked }
}

describe('getOrFillMany', () => {
  it('S4-9: looks once, claims all at once, and fills what it won in one call', async () => {
    const { a, b, server } = setUp()
    await a.setMany(row, [
      ['x', 1],
      ['y', 1],
    ])
    await b.get(row, 'other')
    const before = { ...server.commands }
    const { asked, fill } = filling(2)
    expect(await b.getOrFillMany(row, ['x', 'n1', 'y', 'n2', 'n1'], fill)).toEqual(
      new Map([
        ['x', 1],
        ['n1', 2],
        ['y', 1],
        ['n2', 2],
      ]),
    )
    expect(asked).toEqual([['n1', 'n2']])
    expect(server.commands.read - before.read).toBe(1)
    expect(await a.getMany(row, ['n1', 'n2'])).toEqual(
      new Map([
        ['n1', 2],
        ['n2', 2],
      ]),
    )
  })

  it.each([1, 2])('keeps nothing of undefined, and null of what the fill leaves out (%i caches)', async (count) => {
    const { a } = setUp(count)
    const found = await a.getOrFillMany(row, ['x', 'y', 'z'], () => [
      ['x', undefined as never],
      ['y', null],
    ])
    expect([...found]).toEqual([
      ['x', undefined],
      ['y', null],
      ['z', null],
    ])
    const states = ['x', 'y', 'z'].map(async (key) => (await a.getEntry(row, key)).state)
    expect(await Promise.all(states)).toEqual(['missing', 'negative', 'negative'])
  })

  it('fills what it won at once, and follows the rest', async () => {
    const { a, b, clock } = setUp()
    const loaded = deferred<number>()
    await b.get(row, 'other')
    const leader = a.getOrFill(row, 'x', () => loaded.promise)
    await clock.settle()
    const { asked, fill } = filling(2)
    const many = b.getOrFillMany(row, ['x', 'y'], fill)
    await clock.settle()
    expect(asked).toEqual([['y']])
    expect(await a.get(row, 'y')).toBe(2)
    loaded.resolve(1)
    await clock.advance(250)
    expect([await leader, await many, asked.length]).toEqual([
      1,
      new Map([
        ['x', 1],
        ['y', 2],
      ]),
      1,
    ])
  })

  it('calls its fill at most twice, whatever others do', async () => {
    const { a, b, clock } = setUp()
    await b.get(row, 'other')
    const leaders = ['x', 'y', 'z'].map((key) => {
      const leader = new AbortController()
      const never = () => new Promise<number>(() => {})
      a.getOrFill(row, key, never, { signal: leader.signal }).catch(() => {})
      return leader
    })
    await clock.settle()
    const { asked, fill } = filling(2)
    const many = b.getOrFillMany(row, ['w', 'x', 'y', 'z'], fill)
    await clock.advance(20)
    leaders[0]!.abort()
    await clock.advance(500)
    leaders[1]!.abort()
    await clock.advance(1_500)
    expect(await many).toEqual(
      new Map([
        ['w', 2],
        ['x', 2],
        ['y', 2],
        ['z', 2],
      ]),
    )
    expect(asked).toEqual([['w'], ['x', 'y', 'z']])
    leaders[2]!.abort()
  })

  it('that was given up leaves a key that others joined its fill, although it followed another key', async () => {
    const { a, b, clock } = setUp()
    await b.get(row, 'other')
    a.getOrFill(row, 'x', () => new Promise<number>(() => {})).catch(() => {})
    await clock.settle()
    const giveUp = new AbortController()
    const loaded = deferred<number>()
    const fill = async () => [['y', await loaded.promise] as const]
    const many = b.getOrFillMany(row, ['x', 'y'], fill, { signal: giveUp.signal }).catch((reason: unknown) => reason)
    await clock.settle()
    const joined = b.getOrFill(row, 'y', () => 9)
    await clock.settle()
    giveUp.abort('enough')
    expect(await many).toBe('enough')
    loaded.resolve(1)
    expect(await joined).toBe(1)
  })

  it('takes a key that the fill left out for a negative, here and elsewhere', async () => {
    const { a, b } = setUp()
    expect(await a.getOrFillMany(row, ['x', 'y'], () => [['x', 1]])).toEqual(
      new Map([
        ['x', 1],
        ['y', null],
      ]),
    )
    expect(await b.getEntry(row, 'y')).toMatchObject({ state: 'negative', value: null })
  })

  it('whose fill fails rejects with its error, and keeps no lease', async () => {
    const { a, b } = setUp()
    const error = new Error('down')
    const failing = a.getOrFillMany(row, ['x', 'y'], () => Promise.reject(error))
    await expect(failing).rejects.toBe(error)
    expect(await b.getOrFill(row, 'x', () => 2)).toBe(2)
    expect(b.stats().followed).toBe(0)
  })

  it.each<[what: string, returned: unknown]>([
    ['rows instead of pairs', [{ id: 'x' }, { id: 'y' }]],
    ['values instead of pairs', [1, 2]],
    ['pairs of one', [['x']]],
    ['an object', { x: 1 }],
    ['nothing', undefined],
    ['text', 'xy'],
  ])('refuses a fill that answers %s, and stores nothing', async (_what, returned) => {
    const { a } = setUp(1)
    await expect(a.getOrFillMany(row, ['x', 'y'], () => returned as never)).rejects.toThrow(
      /result of a fill of several keys(\[0\])? must be a/,
    )
    expect(await a.getEntry(row, 'x')).toEqual({ state: 'missing' })
  })

  it('is answered key by key: one value that cannot be told leaves its own lease only', async () => {
    const { a, b } = setUp()
    const many = a.getOrFillMany(row, ['bad', 'good'], () => [
      ['bad', (() => 1) as never],
      ['good', 1],
    ])
    await expect(many).rejects.toMatchObject({ code: 'UNSERIALISABLE_VALUE' })
    expect([await b.get(row, 'good'), await b.getOrFill(row, 'bad', () => 2)]).toEqual([1, 2])
    expect(b.stats().followed).toBe(0)
  })

  it('leaves a wrong tag of one value no lease either', async () => {
    const { a, b } = setUp()
    const many = a.getOrFillMany(row, ['x'], (_keys, ctx) => [['x', ctx.value(1, { tags: [''] })]])
    await expect(many).rejects.toMatchObject({ code: 'INVALID_TAG' })
    expect(await b.getOrFill(row, 'x', () => 2)).toBe(2)
    expect(b.stats().followed).toBe(0)
  })

  it('refreshes a stale value of the shared tier in the background, under one lease', async () => {
    const { a, b, clock } = setUp()
    const soon = definePolicy({ name: 'soon', ttl: '1s', jitter: 0, stale: { whileRevalidate: '10s' } })
    await a.set(soon, 'x', 1)
    await b.get(soon, 'other')
    await clock.advance(1_000)
    const { asked, fill } = filling(2)
    expect(await b.getOrFillMany(soon, ['x', 'y'], fill)).toEqual(
      new Map([
        ['x', 1],
        ['y', 2],
      ]),
    )
    await clock.settle()
    expect(asked).toEqual([['x', 'y']])
    expect([await a.get(soon, 'x'), b.peek(soon, 'x')]).toEqual([2, 2])
  })

  it('uses the fill of the policy where none is given', async () => {
    const { a } = setUp(1)
    const own = definePolicy({ name: 'own', ttl: '60s', fill: (key: string) => key.toUpperCase() })
    expect(await a.getOrFillMany(own, ['a', 'b'])).toEqual(
      new Map([
        ['a', 'A'],
        ['b', 'B'],
      ]),
    )
  })

  it('of no keys asks nobody', async () => {
    const { a, server } = setUp(1)
    const none = filling(1)
    expect([await a.getOrFillMany(row, [], none.fill), await a.getMany(row, []), none.asked]).toEqual([
      new Map(),
      new Map(),
      [],
    ])
    expect(server.commands.read + server.commands.acquire).toBe(0)
  })
})

describe('a batch of writes', () => {
  it('S4-9: stores in one trip, one result a key, and a failing key does not fail the rest', async () => {
    const { a, b, server } = setUp()
    const outcomes = await a.setMany(row, [
      ['x', 1],
      ['bad', (() => 1) as never],
      ['y', 2],
    ])
    expect(outcomes.get('x')).toEqual({ state: 'stored' })
    expect(outcomes.get('y')).toEqual({ state: 'stored' })
    expect(outcomes.get('bad')).toMatchObject({ state: 'failed', error: { code: 'UNSERIALISABLE_VALUE' } })
    expect(server.commands.append).toBe(1)
    expect(await b.getMany(row, ['x', 'bad', 'y'])).toEqual(
      new Map([
        ['x', 1],
        ['y', 2],
      ]),
    )
  })

  it('S4-9: reads in one trip', async () => {
    const { a, b, server } = setUp()
    await a.setMany(row, [
      ['x', 1],
      ['y', 2],
    ])
    await b.get(row, 'other')
    const before = { ...server.commands }
    await b.getMany(row, ['x', 'y', 'z'])
    const used = Object.entries(server.commands).filter(
      ([name, count]) => count !== before[name as keyof typeof before],
    )
    expect(used.map(([name]) => name)).toEqual(['read'])
    expect(server.commands.read - before.read).toBe(1)
  })

  it('of 300 deletes names at most 256 keys in a row of the log, and its receipt covers all of them', async () => {
    const { a, b, server } = setUp()
    const keys = Array.from({ length: 300 }, (_, key) => key)
    await a.setMany(
      row,
      keys.map((key) => [key, key] as const),
    )
    await b.getMany(row, keys)
    server.dropPush = true
    const rows: CacheEvent[] = []
    b.on('invalidated', (event) => rows.push(event))
    const receipt = await a.deleteMany(row, keys)
    expect(await b.getMany(row, keys, { after: receipt })).toEqual(new Map())
    expect(rows.map((event) => 'entries' in event && event.entries)).toEqual([256, 44])
  })

  it('that is above the limit of the tier fails by key, whatever its alphabet', async () => {
    const { a, b, server } = setUp()
    const third = 'x'.repeat(3 * 1024 * 1024)
    const wide = '中'.repeat(3 * 1024 * 1024)
    const outcomes = await a.setMany(row, [
      ['third', third],
      ['wide', wide],
    ])
    expect(outcomes.get('third')).toEqual({ state: 'stored' })
    expect(outcomes.get('wide')).toMatchObject({ state: 'failed', error: { code: 'ENTRY_TOO_LARGE' } })
    expect(server.commands.store).toBe(1)
    expect(await b.get(row, 'wide')).toBeUndefined()
  })
})
