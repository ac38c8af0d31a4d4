import { charCodeAt } from './char-code-at.js'

/**
 * The form of an entry in the shared tier: a fixed-width ASCII header, the tags, then the encoded value, so that
 * `redis-cli get` shows readable JSON behind 76 characters of header, and a script can stamp or mark it in place.
 *
 * ```
 * offset width
 *      0     1  format, '1'
 *      1     1  codec of the body: 'j' plain JSON, 't' JSON with type tags, or a letter of the user's codec
 *      2     1  '-', or 's' once softly invalidated
 *      3     1  length of what follows the header, modulo 64: 64 characters from '0' on, so that no text cut short, or
 *               appended to, passes as a shorter value: `123` is JSON as well as `12345`
 *      4    16  fill id
 *     20     8  epoch of the namespace
 *     28    14  born: the namespace's clock read before the fill, microseconds, hexadecimal
 *     42    12  storedAt: the server's time at the store, milliseconds, hexadecimal; stamped by the tier
 *     54     9  freshMs, hexadecimal; a soft invalidation cuts it to the entry's age, so that it is stale since then
 *     63     9  staleMs, hexadecimal
 *     72     4  length of the tag section in characters, hexadecimal
 *     76        tags separated by '\n', then the body
 * ```
 */
export const ENVELOPE_FORMAT = '1'
export const SOFT_FLAG_OFFSET = 2
const LENGTH_MARK_OFFSET = 3
export const FILL_ID_OFFSET = 4
export const FILL_ID_LENGTH = 16
export const STORED_AT_OFFSET = 42
export const STORED_AT_LENGTH = 12
export const FRESH_MS_OFFSET = 54
export const FRESH_MS_LENGTH = 9
export const STALE_MS_OFFSET = 63
export const STALE_MS_LENGTH = 9
export const HEADER_LENGTH = 76

/** Longest duration that fits the header: 795 days. Policies allow at most 730 days. */
export const MAX_DURATION_MS = 0xf_ffff_ffff

export interface Envelope {
  readonly codec: string
  readonly soft: boolean
  readonly fillId: string
  readonly epoch: string
  readonly born: number
  readonly storedAtMs: number
  readonly freshMs: number
  readonly staleMs: number
  readonly tags: readonly string[]
  readonly body: string
}

const NO_TAGS: readonly string[] = Object.freeze([])

const hex = (value: number, width: number): string => Math.round(value).toString(16).padStart(width, '0')

const lengthMark = (length: number): string => String.fromCharCode(lengthCode(length))
const lengthCode = (length: number): number => 48 + (length & 63)

export function encodeEnvelope(envelope: Omit<Envelope, 'soft' | 'storedAtMs'>): string {
  const tags = envelope.tags.join('\n')
  return (
    ENVELOPE_FORMAT +
    envelope.codec +
    '-' +
    lengthMark(tags.length + envelope.body.length) +
    envelope.fillId +
    envelope.epoch +
    hex(envelope.born, 14) +
    '0'.repeat(STORED_AT_LENGTH) +
    hex(envelope.freshMs, 9) +
    hex(envelope.staleMs, 9) +
    hex(tags.length, 4) +
    tags +
    envelope.body
  )
}

/** Undefined for anything that is not an envelope of this format: foreign, older, newer or truncated bytes. */
export function decodeEnvelope(text: string): Envelope | undefined {
  if (text.length < HEADER_LENGTH || text[0] !== ENVELOPE_FORMAT) return undefined
  if (charCodeAt(text, LENGTH_MARK_OFFSET) !== lengthCode(text.length - HEADER_LENGTH)) return undefined
  const born = hexAt(text, 28, 42)
  const storedAtMs = hexAt(text, 42, 54)
  const freshMs = hexAt(text, 54, 63)
  const staleMs = hexAt(text, 63, 72)
  const tagsLength = hexAt(text, 72, HEADER_LENGTH)
  const bodyAt = HEADER_LENGTH + tagsLength
  if (Number.isNaN(born + storedAtMs + freshMs + staleMs + tagsLength) || text.length < bodyAt) return undefined
  return {
    codec: text[1]!,
    soft: text[SOFT_FLAG_OFFSET] === 's',
    fillId: text.slice(FILL_ID_OFFSET, FILL_ID_OFFSET + FILL_ID_LENGTH),
    epoch: text.slice(20, 28),
    born,
    storedAtMs,
    freshMs,
    staleMs,
    tags: tagsLength === 0 ? NO_TAGS : text.slice(HEADER_LENGTH, bodyAt).split('\n'),
    body: text.slice(bodyAt),
  }
}

/** Lower-case hexadecimal digits as a number, NaN if one is none. By character: every hit reads five of them. */
function hexAt(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const code = charCodeAt(text, at)
    const digit = code <= 57 ? code - 48 : code - 87
    // What lies between '9' and 'a' comes out negative.
    if (digit < 0 || digit > 15) return Number.NaN
    value = value * 16 + digit
  }
  return value
}

/** What a tier without scripts does at a store; in Redis it is `SETRANGE`. */
export function stampEnvelope(text: string, storedAtMs: number): string {
  return (
    text.slice(0, STORED_AT_OFFSET) +
    hex(storedAtMs, STORED_AT_LENGTH) +
    text.slice(STORED_AT_OFFSET + STORED_AT_LENGTH)
  )
}

/** What a tier without scripts does at a soft invalidation: marked, and stale from `nowMs` on. */
export function markEnvelopeSoft(text: string, nowMs: number): string {
  const number = (offset: number, length: number): number => Number.parseInt(text.slice(offset, offset + length), 16)
  const freshMs = number(FRESH_MS_OFFSET, FRESH_MS_LENGTH)
  const ageMs = Math.floor(nowMs) - number(STORED_AT_OFFSET, STORED_AT_LENGTH)
  const cutMs = Math.min(freshMs, Math.max(0, ageMs))
  const upTo = `${text.slice(0, SOFT_FLAG_OFFSET)}s${text.slice(SOFT_FLAG_OFFSET + 1, FRESH_MS_OFFSET)}`
  // What is no number stays: it is no envelope of ours.
  const fresh = Number.isNaN(cutMs) ? text.slice(FRESH_MS_OFFSET, STALE_MS_OFFSET) : hex(cutMs, FRESH_MS_LENGTH)
  return upTo + fresh + text.slice(STALE_MS_OFFSET)
}

/** True if a text takes more bytes than that in UTF-8; counted only if it may. */
export function isAbove(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes)
}

export function fillIdOf(text: string): string {
  return text.slice(FILL_ID_OFFSET, FILL_ID_OFFSET + FILL_ID_LENGTH)
}
