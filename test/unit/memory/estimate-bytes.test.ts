import { describe, expect, it } from 'vitest'
import { estimateBytes } from '../../../src/memory/estimate-bytes.js'

describe('estimated bytes', () => {
  it('counts one or two bytes a character', () => {
    expect(estimateBytes('a'.repeat(1_000)) - estimateBytes('')).toBe(1_000)
    expect(estimateBytes('é'.repeat(1_000)) - estimateBytes('')).toBe(1_000)
    expect(estimateBytes('ж'.repeat(1_000)) - estimateBytes('')).toBe(2_000)
    expect(estimateBytes('ж'.repeat(100_000))).toBeGreaterThan(200_000)
  })

  it('counts bytes of buffers and typed arrays', () => {
    expect(estimateBytes(new Uint8Array(5_000))).toBe(5_096)
    expect(estimateBytes(new Float64Array(5_000))).toBe(40_096)
    expect(estimateBytes(new ArrayBuffer(100))).toBe(196)
    expect(estimateBytes(Buffer.alloc(77))).toBe(173)
  })

  it('looks into objects, arrays, maps and sets', () => {
    const text = 'x'.repeat(100)
    for (const value of [{ text }, [text], new Map([[1, text]]), new Map([[text, 1]]), new Set([text])]) {
      expect(estimateBytes(value)).toBeGreaterThan(130)
      expect(estimateBytes(value)).toBeLessThan(260)
    }
  })

  it.each([undefined, null, true, 0, 1.5, 10n ** 50n, Symbol('s'), () => 1, new Date(), /x/, new Error('x')])(
    'answers a whole number for %s',
    (value) => {
      expect(Number.isSafeInteger(estimateBytes(value))).toBe(true)
      expect(estimateBytes(value)).toBeGreaterThanOrEqual(0)
    },
  )

  it('ends on a value that holds itself, and counts shared parts once', () => {
    const cyclic: unknown[] = []
    cyclic.push(cyclic, cyclic)
    expect(estimateBytes(cyclic)).toBeLessThan(200)
    const part = { text: 'x'.repeat(1_000) }
    expect(estimateBytes([part, part, part])).toBeLessThan(1_300)
  })

  it('survives nesting that is deeper than the stack', () => {
    let deep: unknown = 'end'
    for (let level = 0; level < 200_000; level++) deep = [deep]
    expect(estimateBytes(deep)).toBeGreaterThan(0)
  })

  it('looks at a bounded part of a large value and takes the rest to be like it', () => {
    const large = Array.from({ length: 100_000 }, (_, id) => ({ id, name: `name ${id}` }))
    let looked = 0
    const watched = new Proxy(large, {
      get(target, key, receiver) {
        looked++
        return Reflect.get(target, key, receiver)
      },
    })
    const whole = 100_000 * (24 + 16 + 8 + 16 + 9)
    expect(estimateBytes(watched)).toBeGreaterThan(whole * 0.7)
    expect(estimateBytes(watched)).toBeLessThan(whole * 1.3)
    expect(looked).toBeLessThan(10_000)
  })
})
