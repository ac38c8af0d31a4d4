import { describe, expectTypeOf, it } from 'vitest'
import {
  type Cache,
  createCache,
  definePolicy,
  type Entry,
  type EntryLookup,
  type Receipt,
  type StoreOutcome,
} from '../../src/index.ts'

interface User {
  id: string
  name: string
}
declare function load(id: string): Promise<User>
declare const cache: Cache

const user = definePolicy({ name: 'user', ttl: '60s', fill: (id: string) => load(id) })
const byNumber = definePolicy({ name: 'by-number', ttl: '60s', fill: (id: number) => load(String(id)) })
const open = definePolicy({ name: 'open', ttl: '60s' })
const org = cache.tenant('org-7')

describe('getOrFill', () => {
  it('answers what the policy fills, without type arguments', () => {
    expectTypeOf(org.getOrFill(user, 'a')).toEqualTypeOf<Promise<User>>()
    expectTypeOf(cache.getOrFill(byNumber, 7)).toEqualTypeOf<Promise<User>>()
  })

  it('answers what a fill at the call returns, for a policy without one', () => {
    expectTypeOf(org.getOrFill(open, 'a', () => load('a'))).toEqualTypeOf<Promise<User>>()
    expectTypeOf(org.getOrFill(open, 'a', () => 5)).toEqualTypeOf<Promise<number>>()
    expectTypeOf(org.getOrFill(open, 'a', async (ctx) => ctx.value(5, { ttl: '1s' }))).toEqualTypeOf<Promise<number>>()
  })

  it('accepts a fill at the call beside the policy’s own, of the same type', () => {
    expectTypeOf(org.getOrFill(user, 'a', ({ signal }) => (signal.aborted ? load('b') : load('a')))).toEqualTypeOf<
      Promise<User>
    >()
    // @ts-expect-error a number is no user
    org.getOrFill(user, 'a', () => 5)
  })

  it('works without a policy, for a cache that has a ttl', () => {
    expectTypeOf(createCache({ ttl: '60s' }).getOrFill('a', () => load('a'))).toEqualTypeOf<Promise<User>>()
  })

  it('takes what narrows a call', () => {
    org.getOrFill(user, 'a', { consistency: 'strict', signal: new AbortController().signal })
    // @ts-expect-error no such level
    org.getOrFill(user, 'a', { consistency: 'linearizable' })
    // @ts-expect-error rules belong to the policy
    org.getOrFill(user, 'a', { ttl: '5s' })
  })

  it('refuses a key of the wrong type', () => {
    // @ts-expect-error this policy's keys are text
    org.getOrFill(user, 7)
    // @ts-expect-error this policy's keys are numbers
    org.getOrFill(byNumber, 'a')
  })

  it('needs a fill from somewhere', () => {
    // @ts-expect-error neither the policy nor the call brings one
    org.getOrFill(open, 'a')
    // @ts-expect-error without a policy the call must bring one
    cache.getOrFill('a')
  })
})

describe('other reads', () => {
  it('get and peek may have nothing', () => {
    expectTypeOf(org.get(user, 'a')).toEqualTypeOf<Promise<User | undefined>>()
    expectTypeOf(org.peek(user, 'a')).toEqualTypeOf<User | undefined>()
    // @ts-expect-error this policy's keys are text
    org.peek(user, 7)
  })

  it('getEntry tells its states apart', async () => {
    const entry = await org.getEntry(user, 'a')
    expectTypeOf(entry).toEqualTypeOf<EntryLookup<User>>()
    if (entry.state === 'fresh') expectTypeOf(entry.value).toEqualTypeOf<User>()
    if (entry.state === 'negative') expectTypeOf(entry.value).toEqualTypeOf<null>()
    if (entry.state === 'failed') expectTypeOf(entry.error).toEqualTypeOf<unknown>()
  })

  it('getOrFillEntry never fails as a value', () => {
    expectTypeOf(org.getOrFillEntry(user, 'a')).toEqualTypeOf<Promise<Entry<User>>>()
  })
})

describe('several keys', () => {
  it('come as a Map of the policy’s types; a key left out is null', () => {
    expectTypeOf(org.getOrFillMany(user, ['a', 'b'])).toEqualTypeOf<Promise<Map<string, User | null>>>()
    expectTypeOf(org.getMany(user, ['a'])).toEqualTypeOf<Promise<Map<string, User>>>()
  })

  it('give a fill of many the keys that are missing', () => {
    org.getOrFillMany(user, new Set(['a']), async (keys, { signal }) => {
      expectTypeOf(keys).toEqualTypeOf<string[]>()
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      return new Map(await Promise.all(keys.map(async (key) => [key, await load(key)] as const)))
    })
  })

  it('refuse values and keys of another type', () => {
    // @ts-expect-error a number is no user
    org.getOrFillMany(user, ['a'], async () => new Map([['a', 5]]))
    // @ts-expect-error this policy's keys are text
    org.getOrFillMany(user, [7])
  })
})

describe('writes', () => {
  it('take the policy’s types', () => {
    expectTypeOf(org.set(user, 'a', { id: 'a', name: 'A' })).toEqualTypeOf<Promise<StoreOutcome>>()
    // @ts-expect-error a user has a name
    org.set(user, 'a', { id: 'a' })
    // @ts-expect-error a user has a name
    org.setMany(user, [['a', { id: 'a' }]])
  })

  it('answer with a receipt that a read accepts', async () => {
    const receipt = await org.invalidate({ tags: ['users'], entries: [[user, 'a']] })
    expectTypeOf(receipt).toEqualTypeOf<Receipt>()
    expectTypeOf(org.delete(user, 'a')).toEqualTypeOf<Promise<Receipt>>()
    expectTypeOf(org.getOrFill(user, 'a', { after: receipt })).toEqualTypeOf<Promise<User>>()
  })
})

describe('bind', () => {
  it('leaves nothing to repeat', () => {
    const users = org.bind(user)
    expectTypeOf(users.getOrFill('a')).toEqualTypeOf<Promise<User>>()
    expectTypeOf(users.peek('a')).toEqualTypeOf<User | undefined>()
    expectTypeOf(users.getMany(['a'])).toEqualTypeOf<Promise<Map<string, User>>>()
    expectTypeOf(users.refresh('a')).toEqualTypeOf<Promise<User>>()
  })

  it('refuses what the policy refuses', () => {
    // @ts-expect-error this policy's keys are text
    org.bind(user).getOrFill(7)
    // @ts-expect-error this policy brings no fill
    org.bind(open).getOrFill('a')
    // @ts-expect-error this policy brings no fill
    org.bind(open).refresh('a')
  })
})

describe('events', () => {
  it('are typed by their name', () => {
    cache.on('filled', (event) => expectTypeOf(event.durationMs).toEqualTypeOf<number>())
    cache.on('fill-failed', (event) => expectTypeOf(event.error).toEqualTypeOf<unknown>())
    // @ts-expect-error no such event
    cache.on('nothing', () => {})
  })
})

describe('syncView', () => {
  const users = org.syncView(user)

  it('S0-9, S0-13: gives values, never promises', () => {
    expectTypeOf(users.get('a')).toEqualTypeOf<User | undefined>()
    expectTypeOf(users.set('a', { id: 'a', name: 'A' })).toEqualTypeOf<void>()
    expectTypeOf(users.invalidate('a')).toEqualTypeOf<void>()
  })

  it('refuses keys, values and options of the wrong type', () => {
    // @ts-expect-error this policy's keys are text
    users.get(7)
    // @ts-expect-error a number is no user
    users.set('a', 5)
    // @ts-expect-error no such option
    users.set('a', { id: 'a', name: 'A' }, { publish: true })
  })
})

describe('warm', () => {
  it('takes keys of a policy with a fill, or pairs', () => {
    org.warm(user, ['a', 'b'], { concurrency: 2 })
    org.warm(user, new Map([['a', { id: 'a', name: 'A' }]]))
    org.warm(byNumber, new Set([1, 2]))
    // @ts-expect-error this policy's keys are numbers
    org.warm(byNumber, ['a'])
    // @ts-expect-error keys alone need a fill
    org.warm(open, ['a'])
  })
})

describe('memory', () => {
  it('takes the names of evictions', () => {
    cache.memory?.useEviction('sieve')
    // @ts-expect-error no such eviction
    cache.memory?.useEviction('mru')
  })
})
