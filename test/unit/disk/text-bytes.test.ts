import { describe, expect, it } from 'vitest'
import { toBytes } from '../../../src/disk/text-bytes.js'

const PIECE = 512 * 1024

describe('a long text', () => {
  it.each([
    ['of one byte a character', 'a'.repeat(PIECE * 2 + 7)],
    ['of pairs that a piece would cut', `a${'😀'.repeat(PIECE + 3)}`],
    ['of pairs that no piece cuts', '😀'.repeat(PIECE + 3)],
    ['with halves of pairs by themselves', `${'ä'.repeat(PIECE)}\udc00\ud83d${'ß'.repeat(PIECE)}\ud83d`],
    ['without any character', ''],
  ])('becomes the bytes that it has as a whole: %s', async (_name, text) => {
    const whole = Buffer.from(text)
    expect((await toBytes(text, whole.length)).equals(whole)).toBe(true)
  })
})
