import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RespError, RespParser, RespStatus, type RespValue } from '../../../src/testing/rest-proxy/resp-parser.js'

const MB = 1024 ** 2

function encode(value: RespValue): Buffer {
  if (value === null) return Buffer.from('$-1\r\n')
  if (typeof value === 'number') return Buffer.from(`:${value}\r\n`)
  if (value instanceof RespStatus) return Buffer.from(`+${value.text}\r\n`)
  if (value instanceof RespError) return Buffer.from(`-${value.text}\r\n`)
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')])
  return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(encode)])
}

const line = fc.stringMatching(/^[A-Za-z ]{0,20}$/)
const { reply } = fc.letrec<{ reply: RespValue }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 3 },
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(Buffer.from('\r\n'), Buffer.from('$5\r\nhello\r\n'), Buffer.alloc(0)),
    line.map((text) => new RespStatus(text)),
    line.map((text) => new RespError(text)),
    fc.integer(),
    fc.constant(null),
    fc.array(tie('reply'), { maxLength: 4 }),
  ),
}))

test('reads what was written, however it is cut into chunks', () => {
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 6 }), fc.array(fc.nat(30), { maxLength: 40 }), (replies, cuts) => {
      const found: RespValue[] = []
      const parser = new RespParser((value) => found.push(value), MB)
      let rest = Buffer.concat(replies.map(encode))
      for (const cut of cuts) {
        parser.push(rest.subarray(0, cut))
        rest = rest.subarray(cut)
      }
      parser.push(rest)
      expect(found).toEqual(replies)
    }),
  )
})

test('a list of nothing is nothing, as an aborted transaction answers', () => {
  const found: RespValue[] = []
  new RespParser((value) => found.push(value), MB).push(Buffer.from('*-1\r\n*2\r\n*0\r\n:1\r\n'))
  expect(found).toEqual([null, [[], 1]])
})

describe('gives up', () => {
  test.each([
    ['what is no RESP2', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a length that is no number', '$many\r\n'],
    ['a text above its limit', `$${MB + 1}\r\n`],
    ['a line without an end', `+${'x'.repeat(70_000)}`],
  ])('%s', (_what, text) => {
    const parser = new RespParser(() => {}, MB)
    expect(() => parser.push(Buffer.from(text))).toThrow(/does not speak RESP|above the limit/)
  })
})
