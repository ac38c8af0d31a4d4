import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeForRedis, Glob } from '../../../src/redis-protocol/glob.js'

test.each<[string, string, boolean]>([
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', 'anything:at all', true],
  ['a*', 'a', true],
  ['a*', 'ba', false],
  ['*a', 'ba', true],
  ['*a', 'ab', false],
  ['a*c*e', 'abcde', true],
  ['a*c*e', 'abcd', false],
  ['?', '🧊', true],
  ['?', '', false],
  ['a?c', 'abc', true],
  ['\\*', '*', true],
  ['\\*', 'x', false],
  ['[ab]', '[ab]', true],
  ['[ab]', 'a', false],
  ['org:123*', 'org:1234', true],
  ['org:123', 'org:1234', false],
  ['\\', '\\', true],
])('%j on %j: %s', (glob, text, expected) => {
  expect(new Glob(glob).matches(text)).toBe(expected)
})

describe('in general', () => {
  const text = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', '*', '?', '\\', '[', ']', '🧊') })

  test('text with every special character escaped matches itself and nothing else', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const glob = new Glob(one.replace(/[*?\\]/g, '\\$&'))
        expect(glob.matches(one)).toBe(true)
        expect(glob.matches(other)).toBe(one === other)
      }),
    )
  })

  test('answers as a regular expression of the same meaning does', () => {
    const pattern = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', '*', '?') })
    const letters = fc.string({ maxLength: 10, unit: fc.constantFrom('a', 'b') })
    fc.assert(
      fc.property(pattern, letters, (glob, word) => {
        const meaning = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        expect(new Glob(glob).matches(word)).toBe(meaning.test(word))
      }),
    )
  })

  test('needs no time worth naming for a glob that sends back-tracking matchers on forever', () => {
    expect(new Glob(`${'*a'.repeat(200)}b`).matches('a'.repeat(20_000))).toBe(false)
  })
})

test('is wider for Redis, which counts bytes, and never takes text for a pattern there', () => {
  expect(new Glob('a?[x]*\\*').toRedis()).toBe('a*\\[x\\]*\\*')
  expect(escapeForRedis('shop[1]:*?\\')).toBe('shop\\[1\\]:\\*\\?\\\\')
})
