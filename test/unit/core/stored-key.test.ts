import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkKey, MAX_KEY_LENGTH } from '../../../src/core/check-key.js'
import { namespaceId, parseStoredKey, spacePrefix, storedKey } from '../../../src/core/stored-key.js'

type Name = readonly [tenant: string, policy: string, version: number, key: string | number]

/** Names that are near each other in every way the form of a stored key knows. */
const special = fc.constantFrom(
  ':',
  '|',
  '{',
  '}',
  '*',
  '#',
  '~',
  '=',
  '@',
  '\0',
  '\ud800',
  '\udc00',
  '"',
  '\\',
  '1',
  'a',
)
const nasty = fc.string({ unit: special, maxLength: 6 })
const text = fc.oneof(
  nasty,
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', '0', '1', '-1', '|1', '#1', '~1', '="1"', '"\\ud800"'),
  nasty.map((part) => part.padEnd(201, 'x')),
  nasty.map((part) => part.padEnd(200, 'x')),
)
const tenant = fc.oneof(fc.constant(''), fc.constantFrom('1', '1:', '0:', ':1', 'a|row@1|', 'a|row@1'), nasty)
const policy = fc.constantFrom('row', 'Row', 'row.1', 'r', '1')
const name: fc.Arbitrary<Name> = fc.tuple(
  tenant,
  policy,
  fc.constantFrom(1, 2, 11, 111),
  fc.oneof(text, fc.maxSafeInteger()),
)

/** Two names of which the second is the first with one character of its key or tenant exchanged, put in or left out. */
const near: fc.Arbitrary<readonly [Name, Name]> = fc
  .tuple(name, fc.nat({ max: 6 }), fc.constantFrom(0, 1), fc.oneof(special, fc.constant('')), fc.boolean())
  .map(([one, at, cut, put, isKey]) => {
    const edit = (part: string): string => part.slice(0, at) + put + part.slice(at + cut)
    const [ofTenant, ofPolicy, version, key] = one
    return [one, isKey ? [ofTenant, ofPolicy, version, edit(String(key))] : [edit(ofTenant), ofPolicy, version, key]]
  })
const pair = fc.oneof(fc.tuple(name, name), near)

function stored([ofTenant, ofPolicy, version, key]: Name): string {
  return storedKey(spacePrefix(namespaceId(ofTenant), ofPolicy, version), checkKey(key))
}

function isSame(a: Name, b: Name): boolean {
  return a.every((part, index) => Object.is(part, b[index]) || (part === 0 && b[index] === 0))
}

describe('a stored key', () => {
  it('S2-46: is never shared by two names of tenant, policy, version and key', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => isSame(a, b) === (stored(a) === stored(b))),
      { numRuns: 20_000, seed: 1 },
    )
  })

  it('S2-46: is never shared after it was written as UTF-8 either', () => {
    const utf8 = (one: Name): string => Buffer.from(stored(one), 'utf8').toString('latin1')
    // A tenant's id has no lone surrogate: those are refused.
    const isClean = ([a, b]: readonly [Name, Name]): boolean => a[0].isWellFormed() && b[0].isWellFormed()
    fc.assert(
      fc.property(pair.filter(isClean), ([a, b]) => isSame(a, b) === (utf8(a) === utf8(b))),
      { numRuns: 20_000, seed: 2 },
    )
  })

  it('of a broken text meets neither another broken text nor one with the sign that UTF-8 puts in its place', () => {
    const broken = fc.string({ unit: fc.constantFrom('\ud800', '\udc00', '\ufffd', '"'), maxLength: 3 })
    const utf8 = (key: string): string => Buffer.from(stored(['t', 'row', 1, key]), 'utf8').toString('latin1')
    fc.assert(
      fc.property(broken, broken, (a, b) => (a === b) === (utf8(a) === utf8(b))),
      { numRuns: 2_000, seed: 5 },
    )
  })

  it('is taken apart into the space and the canonical key it was made of', () => {
    fc.assert(
      fc.property(name, ([ofTenant, ofPolicy, version, key]) => {
        const prefix = spacePrefix(namespaceId(ofTenant), ofPolicy, version)
        const canonical = checkKey(key)
        const parsed = parseStoredKey(storedKey(prefix, canonical))
        expect(parsed).toEqual({ spacePrefix: prefix, key: Object.is(canonical, -0) ? 0 : canonical })
      }),
      { numRuns: 5_000, seed: 3 },
    )
  })

  it('is short enough for a server, whatever the key', () => {
    const longest = stored(['t'.repeat(128), 'p'.repeat(64), 1, 'k'.repeat(MAX_KEY_LENGTH)])
    expect(longest.length).toBeLessThan(300)
  })

  it('of a long key is that of its hash, which no key of the user meets', () => {
    const long = checkKey('k'.repeat(201)) as string
    expect(stored(['', 'row', 1, long])).not.toBe(stored(['', 'row', 1, 'k'.repeat(201)]))
  })

  it('is readable in the usual case', () => {
    expect(stored(['org-7', 'unit-counts', 1, 'all'])).toBe('5:org-7|unit-counts@1|all')
  })

  it('that nobody made is told as such, and never throws', () => {
    const foreign = [
      '',
      ':',
      'x',
      '5',
      '3:a|row@1|k',
      '0:|row@|k',
      '0:|row@1',
      '0:|row@1?k',
      '0:|row@1#x',
      '0:|row@1=x',
      '0:|row@1=5',
    ]
    for (const one of foreign) expect([one, parseStoredKey(one)]).toEqual([one, undefined])
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (one) => {
        parseStoredKey(one)
      }),
      { numRuns: 5_000, seed: 4 },
    )
  })
})
