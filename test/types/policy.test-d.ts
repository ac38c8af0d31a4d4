import { describe, expectTypeOf, it } from 'vitest'
import { definePolicy, type FillContext, type Policy } from '../../src/index.ts'

interface User {
  id: string
  name: string
}
declare function load(id: string): Promise<User>

describe('a policy', () => {
  it('takes key and value type from its fill', () => {
    const user = definePolicy({ name: 'user', ttl: '60s', fill: (id: string) => load(id) })
    expectTypeOf(user).toEqualTypeOf<Policy<string, User, true>>()
  })

  it('takes a number as key, and a value that comes at once', () => {
    const square = definePolicy({ name: 'square', ttl: '60s', fill: (n: number) => n * n })
    expectTypeOf(square).toEqualTypeOf<Policy<number, number, true>>()
  })

  it('sees through ctx.value', () => {
    const user = definePolicy({
      name: 'user',
      ttl: '60s',
      fill: async (id: string, ctx) => ctx.value(await load(id), { tags: ['users'], ttl: '5m' }),
    })
    expectTypeOf(user).toEqualTypeOf<Policy<string, User, true>>()
  })

  it('keeps null as part of the value type', () => {
    const user = definePolicy({ name: 'user', ttl: '60s', fill: async (id: string) => (id === '' ? null : load(id)) })
    expectTypeOf(user).toEqualTypeOf<Policy<string, User | null, true>>()
  })

  it('gives its fill a typed context', () => {
    definePolicy({
      name: 'user',
      ttl: '60s',
      fill: (id: string, context) => {
        expectTypeOf(context).toEqualTypeOf<FillContext>()
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>()
        return load(id)
      },
    })
  })

  it('gives its tags the key of its fill', () => {
    definePolicy({
      name: 'user',
      ttl: '60s',
      fill: (id: string) => load(id),
      tags: (id) => {
        expectTypeOf(id).toEqualTypeOf<string>()
        return [`user-${id}`]
      },
    })
  })

  it('without a fill knows any key and no value', () => {
    expectTypeOf(definePolicy({ name: 'user', ttl: '60s' })).toEqualTypeOf<Policy<string | number, unknown, false>>()
  })
})

describe('what must not compile', () => {
  it('a policy without name or ttl', () => {
    // @ts-expect-error name is required
    definePolicy({ ttl: '60s' })
    // @ts-expect-error ttl is required
    definePolicy({ name: 'user' })
  })

  it('a bare number, or text without a unit, as duration', () => {
    // @ts-expect-error a number has no unit
    definePolicy({ name: 'user', ttl: 60 })
    // @ts-expect-error text needs a unit
    definePolicy({ name: 'user', ttl: '60' })
    // @ts-expect-error no such unit
    definePolicy({ name: 'user', ttl: '60sec' })
  })

  it('an option that nobody reads', () => {
    // @ts-expect-error it is called `stale.whileRevalidate`
    definePolicy({ name: 'user', ttl: '60s', staleWhileRevalidate: '30s' })
    // @ts-expect-error milliseconds are numbers
    definePolicy({ name: 'user', ttl: '60s', coordinate: { leaseMs: '5s' } })
  })

  it('a key that is neither text nor number', () => {
    // @ts-expect-error an object is no key
    definePolicy({ name: 'user', ttl: '60s', fill: (id: { id: string }) => load(id.id) })
  })
})
