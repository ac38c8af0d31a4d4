import { isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue, NotPlainData } from '../../../src/core/codec.js'

function roundTrip(value: unknown): unknown {
  const encoded = encodeValue(value)
  if (encoded instanceof NotPlainData) throw new Error(`${encoded.path} is ${encoded.found}`)
  // The way through a server: text must survive UTF-8.
  return decodeValue(encoded.codec, Buffer.from(encoded.text, 'utf8').toString('utf8'))
}

const typedArray = fc.oneof(
  fc.uint8Array({ maxLength: 9 }),
  fc.int16Array({ maxLength: 5 }),
  fc.float64Array({ maxLength: 3 }),
  fc.bigInt64Array({ maxLength: 3 }),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
)
const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom(null, undefined, Number.NaN, Infinity, -Infinity, -0),
  fc.date({ noInvalidDate: true }),
  typedArray,
)
const memberName = fc.oneof(fc.string(), fc.constantFrom('$', 'v', '__proto__', 'constructor', 'toString', ''))
const anything = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('node'), { maxLength: 4 }),
    fc.array(fc.tuple(tie('node'), tie('node')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie('node'), { maxLength: 3 }).map((items) => new Set(items)),
    fc.array(fc.tuple(memberName, tie('node')), { maxLength: 4 }).map((members) => Object.fromEntries(members)),
  ),
})).node

describe('a value', () => {
  it('S2-18, B25: comes out of its text as it went in, whatever plain data it is', () => {
    fc.assert(
      fc.property(anything, (value) => isDeepStrictEqual(roundTrip(value), value)),
      { numRuns: 3_000, seed: 1 },
    )
  })

  it('comes out of its text twice the same', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const once = encodeValue(value)
        expect(encodeValue(roundTrip(value))).toEqual(once)
      }),
      { numRuns: 500, seed: 2 },
    )
  })

  it('B25: keeps dates, maps and sets, also inside each other', () => {
    const value = { lastUpdated: new Date(0), adjacency: new Map([['a', new Set(['b'])]]), none: new Date(Number.NaN) }
    expect(roundTrip(value)).toStrictEqual(value)
  })

  it('keeps a member called __proto__ as a member, and pollutes nothing', () => {
    const value = JSON.parse('{"__proto__": {"polluted": true}, "$": 1, "when": 0}') as Record<string, unknown>
    value.when = new Date(1)
    const back = roundTrip(value) as Record<string, unknown>
    expect(Object.keys(back)).toEqual(['__proto__', '$', 'when'])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('that looks like one of our own type tags stays what it is', () => {
    for (const value of [{ $: 'Date', v: 0 }, { $: 'undefined' }, [{ $: 'object', v: [] }], { $: undefined }]) {
      expect(roundTrip(value)).toStrictEqual(value)
    }
  })

  it('has holes of an array filled with undefined, and no others', () => {
    const holes = new Array<number>(3)
    holes[2] = 3
    expect(roundTrip(holes)).toStrictEqual([undefined, undefined, 3])
  })

  it('of a view on a larger buffer is told without the rest of the buffer', () => {
    const whole = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
    expect(roundTrip(whole.subarray(2, 4))).toStrictEqual(new Uint8Array([3, 4]))
  })

  it('made in another realm is plain data too', () => {
    expect(roundTrip(runInNewContext('({ a: [1, { b: 2 }] })'))).toEqual({ a: [1, { b: 2 }] })
  })
})

describe('the text of plain data', () => {
  it('S2-18: is the JSON that any program reads', () => {
    const value = { total: 4, name: 'ä', list: [null, true, 'x'], nested: { a: 1.5 } }
    expect(encodeValue(value)).toEqual({ codec: 'j', text: JSON.stringify(value) })
  })

  it('S2-18: is readable where it needs type tags', () => {
    expect(encodeValue({ at: new Date(0), n: 1n })).toEqual({
      codec: 't',
      text: '{"at":{"$":"Date","v":"1970-01-01T00:00:00.000Z"},"n":{"$":"bigint","v":"1"}}',
    })
  })

  it('of an unknown codec, or broken, is refused', () => {
    expect(() => decodeValue('x', '1')).toThrow(/unknown codec 'x'/)
    expect(() => decodeValue('t', '{"$":"Function","v":""}')).toThrow(/unknown type tag/)
    expect(() => decodeValue('t', '{"$":"__proto__"}')).toThrow(/unknown type tag/)
    expect(() => decodeValue('j', '{"a":')).toThrow(SyntaxError)
  })
})

class Money {
  amount = 1
}
/** As an instance of a class that extends null. */
const bare: unknown = Object.create(Object.create(null, { amount: { value: 1 } }) as object)
const cycle: Record<string, unknown> = { a: {} }
cycle.a = { back: cycle }

describe('what another process could not be told', () => {
  it.each<[what: string, value: unknown, path: string, found: RegExp]>([
    ['a function', { a: [() => 1] }, 'a[0]', /a function/],
    ['a symbol', { s: Symbol('x') }, 's', /a symbol/],
    ['a class instance', { list: [{ price: new Money() }] }, 'list[0].price', /an instance of Money/],
    ['an instance of a class without a base', { b: bare }, 'b', /an instance of/],
    ['an object on another object', { o: Object.create({ inherited: 1 }) }, 'o', /an instance of/],
    ['an error', { e: new Error('x') }, 'e', /an instance of Error/],
    ['a promise', { p: Promise.resolve() }, 'p', /an instance of Promise/],
    ['a regular expression', [/x/], '[0]', /an instance of RegExp/],
    ['a cycle', cycle, 'a.back', /one of its own ancestors/],
    ['a key of a map', new Map([[new Money(), 1]]), '<key>', /an instance of Money/],
    ['a member of a set', { s: new Set([() => 1]) }, 's<item>', /a function/],
    ['a value as a whole', () => 1, 'the value', /a function/],
    ['a WeakMap', { w: new WeakMap() }, 'w', /an instance of WeakMap/],
    ['a DataView', { d: new DataView(new ArrayBuffer(1)) }, 'd', /an instance of DataView/],
  ])('is named with its path: %s', (_what, value, path, found) => {
    const encoded = encodeValue(value)
    expect(encoded).toBeInstanceOf(NotPlainData)
    expect((encoded as NotPlainData).path).toBe(path)
    expect((encoded as NotPlainData).found).toMatch(found)
  })

  it('is not what merely appears twice', () => {
    const shared = { a: 1 }
    expect(roundTrip([shared, shared])).toEqual([{ a: 1 }, { a: 1 }])
  })

  it('is what lies deeper than 500 levels, told without overflowing the stack', () => {
    let deep: unknown = 1
    for (let level = 0; level < 100_000; level++) deep = [deep]
    expect((encodeValue(deep) as NotPlainData).found).toMatch(/deeper than 500/)
  })
})
