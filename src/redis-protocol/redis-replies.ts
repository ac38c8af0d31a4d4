import { CacheError } from '../core/errors.js'
import { expectedMsOfToken, failureOfLease } from '../core/lease-token.js'
import type {
  Acquired,
  BumpReply,
  CommitOutcome,
  Control,
  FollowReply,
  LogPosition,
  LogRow,
  LogTail,
  TagClocks,
} from '../core/ports/shared-tier.js'
import { parseSoftText, type SoftClocks } from '../core/soft-clocks.js'

// Every reply is read by one of these: what a server should not have said becomes a rejection, never a value.

/** What `TIME` answers, in milliseconds. */
export function timeReply(reply: unknown): number {
  const [seconds, microseconds] = list(reply, 'TIME', 2)
  return integer(seconds, 'TIME') * 1000 + Math.floor(integer(microseconds, 'TIME') / 1000)
}

/** What `MGET` answers: undefined for a key that is absent or of another type. */
export function textsReply(reply: unknown, length: number): (string | undefined)[] {
  return list(reply, 'MGET', length).map((value) => optionalText(value, 'MGET'))
}

/** What `GET` answers. */
export function textReply(reply: unknown): string | undefined {
  return optionalText(reply, 'GET')
}

/** Data and lease of each key in turn. */
export function followReply(values: readonly (string | undefined)[]): FollowReply['states'] {
  return Array.from({ length: values.length / 2 }, (_, index) => {
    const lease = values[2 * index + 1]
    const failure = failureOfLease(lease)
    return { envelope: values[2 * index], leased: lease !== undefined && failure === undefined, failure }
  })
}

export function acquireReply(reply: unknown): Acquired {
  const [state, detail, holder] = list(reply, 'ACQUIRE')
  switch (integer(state, 'ACQUIRE')) {
    case 0:
      return {
        state: 'follower',
        remainingMs: Math.max(0, integer(detail, 'ACQUIRE')),
        expectedMs: expectedMsOfToken(text(holder, 'ACQUIRE')),
      }
    case 1:
      return { state: 'entry', envelope: text(detail, 'ACQUIRE') }
    case 2:
      return { state: 'leader', marker: optionalText(detail, 'ACQUIRE') }
    default:
      throw unexpected('ACQUIRE')
  }
}

export function outcomeReply(reply: unknown): CommitOutcome {
  switch (integer(reply, 'COMMIT')) {
    case 1:
      return 'stored'
    case 0:
      return 'fenced'
    case -1:
      return 'superseded'
    default:
      throw unexpected('COMMIT')
  }
}

/** A number of something. */
export function wholeReply(reply: unknown, what: string): number {
  return integer(reply, what)
}

/** `SCAN`: where to go on, and the names of this step. */
export function scanReply(reply: unknown): { cursor: string; names: string[] } {
  const [cursor, names] = list(reply, 'SCAN', 2)
  return { cursor: String(cursor), names: list(names, 'SCAN').map((name) => text(name, 'SCAN')) }
}

/** The fields of `INFO`. */
export function infoReply(reply: unknown): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of text(reply, 'INFO').split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return fields
}

/** What scripts and commands answer that count or say yes and no. */
export function isReply(reply: unknown): boolean {
  return integer(reply, 'a yes-or-no question') > 0
}

/** Fields that a control block is read by, in this order, followed by those of `tagFields`. */
export const CONTROL_FIELDS = ['!e', '!v', '!f', '!p'] as const

export function tagFields(tags: readonly string[]): string[] {
  return tags.flatMap((tag) => [`t${tag}`, `s${tag}`])
}

/** Undefined if there is no control block. */
export function controlReply(reply: unknown, tags: readonly string[]): Control | undefined {
  const what = 'a control block'
  const values = list(reply, what, CONTROL_FIELDS.length + 2 * tags.length)
  const epoch = optionalText(values[0], what)
  if (epoch === undefined) return undefined
  const clock = (at: number): number | undefined => (isNil(values[at]) ? undefined : integer(values[at], what))
  return {
    epoch,
    clock: integer(values[1], what),
    floor: clock(2) ?? 0,
    pruned: clock(3) ?? 0,
    tags: tags.map((_, index): TagClocks => ({ hard: clock(4 + 2 * index), soft: softClocks(values[5 + 2 * index]) })),
  }
}

/** A clock alone may come as a number. */
function softClocks(reply: unknown): SoftClocks | undefined {
  if (isNil(reply)) return undefined
  const clocks = parseSoftText(String(reply))
  if (clocks === undefined) throw unexpected('a control block')
  return clocks
}

/** What OPEN answers: there always is one afterwards. */
export function openReply(reply: unknown, tags: readonly string[]): Control {
  const control = controlReply(reply, tags)
  if (control === undefined) throw unexpected('OPEN')
  return control
}

export function bumpReply(reply: unknown, shard: number): BumpReply {
  const [epoch, clock, ...position] = list(reply, 'BUMP', 4)
  return { epoch: text(epoch, 'BUMP'), clock: integer(clock, 'BUMP'), position: positionReply(position, shard) }
}

export function positionReply(reply: unknown, shard: number): LogPosition {
  const [generation, id] = list(reply, 'APPEND', 2)
  return { shard, generation: text(generation, 'APPEND'), id: text(id, 'APPEND') }
}

export function tailReply(reply: unknown): LogTail {
  const [generation, rows] = list(reply, 'TAIL', 2)
  return { generation: text(generation, 'TAIL'), row: rowsReply(rows)[0] }
}

/** Rows of a stream: `[[id, ['p', payload]], …]`. */
export function rowsReply(reply: unknown): LogRow[] {
  return list(reply, 'XRANGE').map((row) => {
    const [id, fields] = list(row, 'XRANGE', 2)
    const [, payload] = list(fields, 'XRANGE')
    return { id: text(id, 'XRANGE'), payload: text(payload, 'XRANGE') }
  })
}

/** '' for a log that is missing: no log has that generation. */
export function generationReply([exists, generation]: readonly unknown[]): string {
  return isReply(exists) ? (optionalText(generation, 'GET') ?? '') : ''
}

/** `<id> <payload>`, as rows are published; undefined for a message of somebody else. */
export function parsePublishedRow(message: string): LogRow | undefined {
  const end = message.indexOf(' ')
  const id = message.slice(0, end)
  return /^\d+-\d+$/.test(id) ? { id, payload: message.slice(end + 1) } : undefined
}

function text(reply: unknown, what: string): string {
  if (typeof reply !== 'string') throw unexpected(what)
  return reply
}

function optionalText(reply: unknown, what: string): string | undefined {
  return isNil(reply) ? undefined : text(reply, what)
}

/** Clients may be told to hand integers on as text. */
function integer(reply: unknown, what: string): number {
  const number = typeof reply === 'string' && reply !== '' ? Number(reply) : reply
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw unexpected(what)
  return number
}

function list(reply: unknown, what: string, length?: number): unknown[] {
  if (!Array.isArray(reply) || (length !== undefined && reply.length !== length)) throw unexpected(what)
  return reply
}

function isNil(reply: unknown): reply is null | undefined {
  return reply === null || reply === undefined
}

function unexpected(what: string): CacheError {
  return new CacheError(
    'SHARED_TIER_FAILED',
    `The shared tier got a reply to ${what} that it does not know. Is everything under its prefix its own?`,
  )
}
