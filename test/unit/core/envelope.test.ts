import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeEnvelope,
  encodeEnvelope,
  fillIdOf,
  HEADER_LENGTH,
  MAX_DURATION_MS,
  markEnvelopeSoft,
  stampEnvelope,
} from '../../../src/core/envelope.js'

const id = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'abcXYZ019-_'), minLength: length, maxLength: length })
const tag = fc.string({ unit: fc.constantFrom('a', 'ä', '|', ' ', '{', '😀'), minLength: 1, maxLength: 128 })
const parts = fc.record({
  codec: fc.constantFrom('j', 't'),
  fillId: id(16),
  epoch: id(8),
  born: fc.maxSafeNat(),
  freshMs: fc.nat({ max: MAX_DURATION_MS }),
  staleMs: fc.nat({ max: MAX_DURATION_MS }),
  tags: fc.array(tag, { maxLength: 64 }),
  body: fc.string(),
})

describe('an envelope', () => {
  it('is read back as it was written, with the stamp of the server and the mark of a soft invalidation', () => {
    fc.assert(
      fc.property(parts, fc.nat({ max: 2 ** 44 }), fc.boolean(), (written, storedAtMs, soft) => {
        const stamped = stampEnvelope(encodeEnvelope(written), storedAtMs)
        const text = soft ? markEnvelopeSoft(stamped, Number.MAX_SAFE_INTEGER) : stamped
        expect(decodeEnvelope(text)).toEqual({ ...written, storedAtMs, soft })
        expect(fillIdOf(text)).toBe(written.fillId)
      }),
      { numRuns: 500, seed: 1 },
    )
  })

  it('has a head of fixed width in ASCII, so that a script can stamp and mark it', () => {
    fc.assert(
      fc.property(parts, (written) => {
        const text = encodeEnvelope(written)
        expect(text.slice(0, HEADER_LENGTH)).toMatch(/^1[jt]-[0-o][\w-]{24}[0-9a-f]{48}$/)
        expect(text.length).toBe(HEADER_LENGTH + written.tags.join('\n').length + written.body.length)
      }),
      { numRuns: 200, seed: 2 },
    )
  })

  it('shows its value as it is, behind the head', () => {
    const written = { codec: 'j', fillId: 'f'.repeat(16), epoch: 'e'.repeat(8), born: 1, freshMs: 2, staleMs: 3 }
    expect(encodeEnvelope({ ...written, tags: [], body: '{"a":1}' }).slice(HEADER_LENGTH)).toBe('{"a":1}')
  })

  it('that was cut short or appended to is none, also where the rest would be a value', () => {
    const text = encodeEnvelope({
      codec: 'j',
      fillId: 'f'.repeat(16),
      epoch: 'e'.repeat(8),
      born: 1,
      freshMs: 60_000,
      staleMs: 0,
      tags: ['a', 'b'],
      body: '12345',
    })
    for (let length = 0; length < text.length; length++) expect(decodeEnvelope(text.slice(0, length))).toBeUndefined()
    for (const more of ['0', '.5', 'e3', ' ']) expect(decodeEnvelope(text + more)).toBeUndefined()
    expect(decodeEnvelope(text)?.body).toBe('12345')
  })

  it('of another format, or that is something else altogether, is none', () => {
    const text = encodeEnvelope({
      codec: 'j',
      fillId: '-'.repeat(16),
      epoch: '-'.repeat(8),
      born: 1,
      freshMs: 1,
      staleMs: 0,
      tags: [],
      body: '',
    })
    const foreign = [
      '',
      '{"plain":"json"}',
      'x'.repeat(200),
      `2${text.slice(1)}`,
      ` ${text}`,
      text.replace(/[0-9a-f]{14}/, 'g'.repeat(14)),
    ]
    for (const one of foreign) expect(decodeEnvelope(one)).toBeUndefined()
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 60, maxLength: 120 }), (one) => {
        expect(decodeEnvelope(one)).toBeUndefined()
      }),
      { numRuns: 200, seed: 3 },
    )
  })
})
