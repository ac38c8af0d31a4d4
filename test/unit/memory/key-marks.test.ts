import { describe, expect, it } from 'vitest'
import { KeyMarks } from '../../../src/memory/key-marks.js'

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

/** The share of keys that have a mark of their own. */
function ownMarks(marks: KeyMarks, keys: readonly string[]): number {
  return new Set(keys.map((key) => marks.of(1, key))).size / keys.length
}

describe('the marks of keys', () => {
  it.each([
    ['at the end', (index: number) => `organisation:unit:${String(index).padStart(4, '0')}`],
    ['in the middle', (index: number) => `user:${String(index).padStart(6, '0')}:profile:summary:v2`],
    ['at both ends', (index: number) => `${index % 50}:dashboards:of:the:tenant:${Math.floor(index / 50)}`],
    ['by letters of other alphabets', (index: number) => `Ж${String.fromCharCode(0x4e00 + index)}—ключ—${index % 7}`],
  ])('learn where keys differ: %s', (_, keyOf) => {
    const keys = range(1_000).map(keyOf)
    const marks = new KeyMarks()
    marks.learn(keys.filter((_, index) => index % 2 === 0))
    expect(ownMarks(marks, keys)).toBeGreaterThan(0.95)
  })

  it('are as good as can be where keys differ in more places than are read', () => {
    const keys = range(1_000).map((index) => `${'x'.repeat(40)}${index}${'y'.repeat(40)}`)
    const marks = new KeyMarks()
    expect(marks.learn(keys)).toBe(false)
    expect(ownMarks(marks, keys)).toBeLessThan(0.01)
  })

  it('tell the same keys of two spaces apart, and lengths', () => {
    const marks = new KeyMarks()
    expect(marks.of(1, 'key')).not.toBe(marks.of(2, 'key'))
    expect(marks.of(1, 'aaaa')).not.toBe(marks.of(1, 'aaaaa'))
    expect(marks.of(1, '')).not.toBe(marks.of(1, 'a'))
  })

  it('stay as they are while the same positions are the best', () => {
    const keys = range(500).map((index) => `unit:${index}`)
    const marks = new KeyMarks()
    marks.learn(keys)
    const before = keys.map((key) => marks.of(1, key))
    expect(marks.learn(keys)).toBe(false)
    expect(keys.map((key) => marks.of(1, key))).toEqual(before)
  })

  it('are made of keys longer than any table', () => {
    const marks = new KeyMarks()
    expect(marks.of(1, `${'x'.repeat(8_000)}a`)).toBe(marks.of(1, `${'x'.repeat(8_000)}a`))
  })
})
