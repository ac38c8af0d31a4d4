import {
  ENVELOPE_FORMAT,
  FRESH_MS_OFFSET,
  fillIdOf,
  HEADER_LENGTH,
  markEnvelopeSoft,
  SOFT_FLAG_OFFSET,
  STALE_MS_LENGTH,
  STALE_MS_OFFSET,
  stampEnvelope,
} from '../core/envelope.js'
import { FAILURE_MARK, failureOfLease } from '../core/lease-token.js'
import type { RedisCommand } from '../redis-protocol/redis-connection.js'
import { textsReply, timeReply } from '../redis-protocol/redis-replies.js'
import type { RedisScript } from '../redis-protocol/redis-script.js'
import { ACQUIRE } from '../redis-protocol/scripts/acquire.js'
import { APPEND } from '../redis-protocol/scripts/append.js'
import { BUMP } from '../redis-protocol/scripts/bump.js'
import { COMMIT } from '../redis-protocol/scripts/commit.js'
import { END_EPOCH } from '../redis-protocol/scripts/end-epoch.js'
import { FAIL } from '../redis-protocol/scripts/fail.js'
import { MARK } from '../redis-protocol/scripts/mark.js'
import { OPEN } from '../redis-protocol/scripts/open.js'
import { RELEASE } from '../redis-protocol/scripts/release.js'
import { RENEW } from '../redis-protocol/scripts/renew.js'
import { SOFTEN } from '../redis-protocol/scripts/soften.js'
import { TAIL } from '../redis-protocol/scripts/tail.js'
import { bump, open } from './unfenced-control.js'
import { appendRow, openLog } from './unfenced-log.js'

/** What a script is given. */
export interface UnfencedRun {
  /** Resolves with the reply of one command. Commands of one turn share a request. */
  readonly send: (...command: RedisCommand) => Promise<unknown>
  /** Runs commands with nothing in between; resolves with their replies. */
  readonly transact: (commands: readonly RedisCommand[]) => Promise<unknown[]>
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

type Unfenced = (run: UnfencedRun) => Promise<unknown>

/**
 * Each script by plain commands, with the keys, arguments and result that its file in `redis-protocol/scripts` names.
 * Between two requests anything may happen: a lease that was ours may be gone when its fill is stored.
 */
const UNFENCED: ReadonlyMap<RedisScript, Unfenced> = new Map<RedisScript, Unfenced>([
  [ACQUIRE, acquire],
  [COMMIT, commit],
  [RENEW, ({ send, keys: [l], args: [token, leaseMs] }) => ifHeld(send, l!, token!, ['PEXPIRE', l!, leaseMs!])],
  [RELEASE, ({ send, keys: [l], args: [token] }) => ifHeld(send, l!, token!, ['DEL', l!])],
  [FAIL, fail],
  [MARK, leaveMarker],
  [SOFTEN, soften],
  [APPEND, append],
  [TAIL, tail],
  [OPEN, open],
  [BUMP, bump],
  [END_EPOCH, endEpoch],
])

export function runUnfenced(script: RedisScript, run: UnfencedRun): Promise<unknown> {
  return UNFENCED.get(script)!(run)
}

async function acquire(run: UnfencedRun): Promise<unknown> {
  const { send, keys } = run
  const [d, l, m] = keys as [string, string, string]
  const { 0: token, 1: leaseMs, 2: deadId, 3: takes } = run.args as Record<number, string>
  if (takes === '1') {
    const [, marker] = await Promise.all([send('SET', l, token!, 'PX', leaseMs!), send('GET', m)])
    return [2, marker]
  }
  const [granted, data, marker, holder, leftMs] = await Promise.all([
    send('SET', l, token!, 'NX', 'PX', leaseMs!),
    send('MGET', d),
    send('GET', m),
    send('GET', l),
    send('PTTL', l),
  ])
  const [envelope] = textsReply(data, 1)
  if (isEnvelope(envelope) && fillIdOf(envelope) !== deadId) {
    if (granted === 'OK') await send('DEL', l)
    return [1, envelope]
  }
  if (granted === 'OK') return [2, marker]
  // It ended between the two: as good as taken, for a moment.
  if (typeof holder !== 'string') return [0, 0, '']
  if (holder !== token && failureOfLease(holder) === undefined) return [0, leftMs, holder]
  return acquire({ ...run, args: [token!, leaseMs!, deadId!, '1'] })
}

async function commit({ send, keys, args: [token, envelope, keepMs, version] }: UnfencedRun): Promise<unknown> {
  const [d, l, m] = keys as [string, string, string]
  const [holder, time, marker] = await Promise.all([
    send('GET', l),
    send('TIME'),
    version === '' ? null : send('GET', m),
  ])
  if (holder !== token) return 0
  const isSuperseded = typeof marker === 'string' && isOlder(version!, marker)
  // The entry first: who follows finds one or the other.
  const stored = isSuperseded || send('SET', d, stampEnvelope(envelope!, timeReply(time)), 'PX', keepMs!)
  await Promise.all([stored, send('DEL', l)])
  return isSuperseded ? -1 : 1
}

async function fail({ send, keys: [l], args: [token, code, keepMs] }: UnfencedRun): Promise<unknown> {
  const told = await ifHeld(send, l!, token!, ['SET', l!, FAILURE_MARK + code, 'PX', keepMs!])
  return told === 'OK' ? 1 : 0
}

async function leaveMarker({ send, keys: [m], args: [version, keepMs] }: UnfencedRun): Promise<unknown> {
  const [known, leftMs] = await Promise.all([send('GET', m!), send('PTTL', m!)])
  const highest = typeof known === 'string' && isOlder(version!, known) ? known : version!
  await send('SET', m!, highest, 'PX', String(Math.max(Number(keepMs), Number(leftMs))))
  return 1
}

async function endEpoch({ send, keys: [n], args: [epoch] }: UnfencedRun): Promise<unknown> {
  return (await send('HGET', n!, '!e')) === epoch ? send('DEL', n!) : 0
}

async function soften({ send, keys: [d, l] }: UnfencedRun): Promise<unknown> {
  const [, data, leftMs, time] = await Promise.all([send('DEL', l!), send('MGET', d!), send('PTTL', d!), send('TIME')])
  const [envelope] = textsReply(data, 1)
  const staleMs = isEnvelope(envelope) ? staleMsOf(envelope) : 0
  if (envelope === undefined || !(staleMs > 0)) return send('UNLINK', d!)
  const keepMs = typeof leftMs === 'number' && leftMs >= 0 ? Math.min(leftMs, staleMs) : staleMs
  // If the entry goes in between, this makes one of nothing: no envelope, a miss, and soon gone.
  const freshMs = markEnvelopeSoft(envelope, timeReply(time)).slice(FRESH_MS_OFFSET, STALE_MS_OFFSET)
  await Promise.all([
    send('SETRANGE', d!, String(SOFT_FLAG_OFFSET), 's'),
    send('SETRANGE', d!, String(FRESH_MS_OFFSET), freshMs),
    send('PEXPIRE', d!, String(keepMs)),
  ])
  return 1
}

async function append({ send, keys: [b, g], args: [fresh, maxRows, payload] }: UnfencedRun): Promise<unknown> {
  const generation = await openLog(send, { b: b!, g: g!, fresh: fresh! })
  return [generation, await appendRow(send, { b: b!, maxRows: maxRows!, payload: payload! })]
}

async function tail({ send, keys: [b, g], args: [fresh] }: UnfencedRun): Promise<unknown> {
  const generation = await openLog(send, { b: b!, g: g!, fresh: fresh! })
  return [generation, await send('XREVRANGE', b!, '+', '-', 'COUNT', '1')]
}

async function ifHeld(send: UnfencedRun['send'], l: string, token: string, command: RedisCommand): Promise<unknown> {
  return (await send('GET', l)) === token ? send(...command) : 0
}

function isEnvelope(text: string | undefined): text is string {
  return text !== undefined && text.length >= HEADER_LENGTH && text.startsWith(ENVELOPE_FORMAT)
}

/** NaN if it is no number. */
function staleMsOf(envelope: string): number {
  return Number.parseInt(envelope.slice(STALE_MS_OFFSET, STALE_MS_OFFSET + STALE_MS_LENGTH), 16)
}

/** Decimal text: shorter is smaller. */
function isOlder(version: string, marker: string): boolean {
  return version.length < marker.length || (version.length === marker.length && version < marker)
}
