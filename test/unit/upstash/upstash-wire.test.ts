import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RedisCommand } from '../../../src/redis-protocol/redis-connection.js'
import { RespStatus } from '../../../src/testing/rest-proxy/resp-parser.js'
import { toResult } from '../../../src/testing/rest-proxy/rest-answers.js'
import { batchesOf } from '../../../src/upstash/upstash-batches.js'
import { decodeResult, pipelineResults } from '../../../src/upstash/upstash-replies.js'

describe('texts in base64', () => {
  test('come out as they were, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
        const sent = toResult(
          texts.map((text) => Buffer.from(text)),
          true,
        ) as { result: unknown }
        expect(decodeResult(sent.result, true)).toEqual(texts.map((text) => Buffer.from(text).toString()))
      }),
    )
  })

  test('OK, numbers and nothing are as they are', () => {
    expect(decodeResult('OK', true)).toBe('OK')
    expect(decodeResult([1, null, 'T0s='], true)).toEqual([1, null, 'OK'])
    expect(toResult(new RespStatus('OK'), true)).toEqual({ result: 'OK' })
  })

  test.each(['{"on":3}', 'YsOk cg=', 'abc', 'a===', 'YWJj\n'])('%j is none, and never becomes a value', (text) => {
    expect(decodeResult(text, true)).toBe(undefined)
  })
})

test.each([[null], [{}], [[]], [[{ result: 1 }]], [[{ result: 1 }, {}]], [[{ result: 1 }, { error: 7 }]], [[1, 2]]])(
  '%j is no answer to two commands',
  (body) => {
    expect(pipelineResults(body, 2)).toBe(undefined)
  },
)

describe('batches', () => {
  const queued = (command: RedisCommand) => ({ command, dueAt: 0, resolve: () => {}, reject: () => {} })
  const sizes = (commands: RedisCommand[]) =>
    [...batchesOf(commands.map(queued))].map(({ commands, texts }) => [commands.length, texts.length])

  test('keep what fits together, and the order', () => {
    expect(sizes([])).toEqual([])
    expect(sizes(Array.from({ length: 2_500 }, (_, index) => ['GET', String(index)]))).toEqual([
      [1_000, 1_000],
      [1_000, 1_000],
      [500, 500],
    ])
    const texts = [...batchesOf([queued(['GET', 'a']), queued(['GET', 'b'])])].flatMap((batch) => batch.texts)
    expect(texts).toEqual(['["GET","a"]', '["GET","b"]'])
  })

  test('stay below 8 MB, counted in bytes, unless one command alone is larger', () => {
    const large = 'ü'.repeat(1.5 * 1024 ** 2)
    expect(
      sizes([
        ['SET', 'a', large],
        ['SET', 'b', large],
        ['SET', 'c', large],
        ['GET', 'd'],
      ]),
    ).toEqual([
      [2, 2],
      [2, 2],
    ])
    expect(
      sizes([
        ['GET', 'a'],
        ['SET', 'b', large.repeat(4)],
        ['GET', 'c'],
      ]),
    ).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ])
  })
})
