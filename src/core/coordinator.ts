import type { Abort } from './abort.js'
import { fillIdOf } from './envelope.js'
import { CacheError, RemoteFillError } from './errors.js'
import { type Found, type FoundValue, MISSING } from './found.js'
import { isServable, type Job, subject } from './job.js'
import type { Lease, LeaseFill } from './lease-fill.js'
import { leaseToken } from './lease-token.js'
import type { LocalStore } from './local-store.js'
import type { CacheParts } from './parts.js'
import type { Clock } from './ports/clock.js'
import type { Acquired, AcquireReply, Control, FollowReply, SharedTier, StoredKey } from './ports/shared-tier.js'
import type { SharedReader } from './shared-reader.js'
import type { SoloFill } from './solo-fill.js'
import type { RegisteredPolicy } from './space.js'
import { storedKey } from './stored-key.js'

/** Entries found dead again and again in one fill: somebody else is at odds with us; then fill alone. */
const MAX_ROUNDS = 20

/**
 * One fill for a key in the whole cluster.
 *
 * ```
 *  acquire ─┬─ entry ────► judge: alive → answer; dead → acquire again, refusing that entry
 *           ├─ leader ───► fill, renewing ─┬─ commit stored ──► keep locally, answer
 *           │                              ├─ fenced ─────────► answer, store nowhere
 *           │                              └─ error ──────────► tell followers, reject
 *           ├─ follower ─► poll data and lease ─┬─ value ─────► answer
 *           │                                   ├─ both gone ─► acquire again
 *           │                                   ├─ failure ───► stale | reject (strict: acquire again)
 *           │                                   └─ waitMs ────► stale | fill alone | hedge | reject
 *           └─ failed ───► fill alone: single-flight here, publish nothing
 * ```
 */
export class Coordinator {
  readonly #parts: CacheParts
  readonly #tier: SharedTier
  readonly #reader: SharedReader
  readonly #store: LocalStore
  readonly #solo: SoloFill
  readonly #lease: LeaseFill

  constructor(
    parts: CacheParts,
    tier: SharedTier,
    { reader, store, solo, lease }: { reader: SharedReader; store: LocalStore; solo: SoloFill; lease: LeaseFill },
  ) {
    this.#parts = parts
    this.#tier = tier
    this.#reader = reader
    this.#store = store
    this.#solo = solo
    this.#lease = lease
  }

  /** `deadId`: an entry that was found unusable on the way here. */
  async fill(job: Job, deadId: string | undefined): Promise<Found> {
    const { coordinate } = job.space.policy.rules
    const deadline = this.#parts.clock.now() + coordinate.waitMs
    let refused = deadId
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const claim = await this.claim([job], [refused])
      if (claim === undefined) return this.#solo.alone(job)
      const [acquired] = claim.reply.acquired
      if (acquired!.state === 'leader') return this.#lease.lead(job, claim.leases[0]!)
      if (acquired!.state === 'entry') {
        const looked = await this.#reader.judge(job, acquired!.envelope, claim)
        if (looked.state === 'found') {
          if (looked.found.state === 'fresh') return this.#promote(job, looked)
          refused = looked.fillId
          job.candidate = looked.found
        } else if (looked.state === 'missing') refused = looked.deadId
        else return this.#solo.alone(job)
        continue
      }
      if (isForNobody(job)) return job.candidate ?? MISSING
      if (!coordinate.waits) return this.#solo.alone(job)
      const followed = await this.follow(job, { deadId: refused, deadline, progress: progressOf(job, acquired!) })
      if (followed.state === 'again') refused = followed.deadId
      else if (followed.state === 'timeout') return this.#afterTimeout(job, refused)
      else if (followed.state === 'failed') return this.#solo.alone(job)
      else if (followed.state === 'error') throw followed.error
      else return followed.found
    }
    return this.#solo.alone(job)
  }

  /**
   * True if what a flight of this process is loading will be as new as this moment: its lease still stands, so no entry
   * was invalidated since it began, and the namespace's clock has not moved. Asked once for all who want to know at once.
   */
  stands(job: Pick<Job, 'space' | 'key' | 'flight'>): Promise<boolean> {
    const { flight } = job
    // Sent after all who ask in this turn of the microtask queue have asked.
    flight.look ??= Promise.resolve().then(() => {
      flight.look = undefined
      return this.#stands(job)
    })
    return flight.look
  }

  async #stands({ space, key, flight }: Pick<Job, 'space' | 'key' | 'flight'>): Promise<boolean> {
    const { lease } = flight
    if (lease === undefined) return false
    const { id } = space.namespace
    const { leaseMs } = space.policy.rules.coordinate
    const askedAt = space.namespace.sequence
    try {
      const [isOurs, control] = await Promise.all([
        this.#tier.renew(id, storedKey(space.prefix, key), lease.token, leaseMs),
        this.#tier.control(id, []),
      ])
      space.namespace.adopt(control, [], askedAt)
      return isOurs && control.epoch === lease.epoch && control.clock === lease.born
    } catch (error) {
      this.#reader.tellFailure('renew', error)
      return false
    }
  }

  /** Asks for the leases of several jobs of one namespace. Undefined: the tier failed. */
  async claim(
    jobs: readonly Job[],
    deadIds: readonly (string | undefined)[],
  ): Promise<
    { reply: AcquireReply; leases: Lease[]; sentAt: number; serverNowMs: number; control: Control } | undefined
  > {
    const { namespace } = jobs[0]!.space
    const sentAt = this.#parts.clock.now()
    const askedAt = namespace.sequence
    const requests = jobs.map((job, index) => ({
      key: storedKey(job.space.prefix, job.key),
      token: leaseToken(this.#parts.random.fillId(), job.space.policy.counters.usualFillMs),
      leaseMs: job.space.policy.rules.coordinate.leaseMs,
      deadId: deadIds[index],
    }))
    try {
      const reply = await this.#tier.acquire(namespace.id, requests)
      namespace.adopt(reply.control, [], askedAt)
      const { epoch, clock: born } = reply.control
      const leases = requests.map(({ token }, index) => ({
        token,
        epoch,
        born,
        recentlyInvalidated: hasMarker(reply.acquired[index]),
      }))
      return { reply, leases, sentAt, serverNowMs: reply.serverNowMs, control: reply.control }
    } catch (error) {
      this.#reader.tellFailure('acquire', error, jobs[0])
      return undefined
    }
  }

  /** Waits for somebody else's fill by looking at the data key. */
  async follow(
    job: Job,
    { deadId, deadline, progress }: { deadId: string | undefined; deadline: number; progress: Progress },
  ): Promise<Followed> {
    const { clock, random } = this.#parts
    const { pollMinMs, pollMaxMs } = job.space.policy.rules.coordinate
    const startedAt = clock.now()
    const key = storedKey(job.space.prefix, job.key)
    let refused = deadId
    // The first look comes a little before the fill should end.
    let pauseMs = Math.min(pollMaxMs, Math.max(pollMinMs, 0.8 * progress.leftMs))
    for (;;) {
      const leftMs = deadline - clock.now()
      if (leftMs <= 0) return this.#followed(job, startedAt, { state: 'timeout' })
      await pause(clock, Math.min(pauseMs, leftMs), job.flight.abort)
      const sentAt = clock.now()
      const seen = await this.#poll(job, key)
      if (seen === undefined) return { state: 'failed' }
      const { envelope, leased, failure } = seen.state
      // What was to be replaced is still there as long as the other fill runs.
      if (envelope !== undefined && (refused === undefined || fillIdOf(envelope) !== refused)) {
        const looked = await this.#reader.judge(job, envelope, { sentAt, ...seen })
        if (looked.state === 'found' && looked.found.state === 'fresh') {
          return this.#followed(job, startedAt, { state: 'value', found: this.#promote(job, looked) })
        }
        if (looked.state === 'failed') return { state: 'failed' }
        refused = looked.state === 'missing' ? looked.deadId : looked.fillId
      }
      // A strict reader has no use for a fill that may have begun before it: it tries itself.
      if (failure !== undefined && job.level !== 'strict') {
        const error = new RemoteFillError(job.space.policy.name, failure)
        return this.#followed(job, startedAt, { state: 'error', error })
      }
      if (!leased) return this.#followed(job, startedAt, { state: 'again', deadId: refused })
      // Decorrelated jitter (AWS): followers spread out, and look less often the longer it takes; but never later than a
      // sixth of what the fill has taken so far, so that nobody waits much longer than the fill.
      const jittered = pollMinMs + random.next() * (pauseMs * 3 - pollMinMs)
      const sixthMs = (progress.elapsedMs + clock.now() - startedAt) / 6
      pauseMs = Math.min(pollMaxMs, jittered, Math.max(pollMinMs, sixthMs))
    }
  }

  async #afterTimeout(job: Job, deadId: string | undefined): Promise<Found> {
    const { rules } = job.space.policy
    if (isServable(job, rules.staleMs, this.#parts.clock.now())) return job.candidate
    switch (rules.coordinate.onTimeout) {
      case 'fill':
        return this.#solo.alone(job)
      case 'hedge': {
        const { events } = this.#parts
        if (events.hears('hedged')) events.emit({ type: 'hedged', ...subject(job) })
        const claim = await this.claim([job], [deadId])
        const acquired = claim?.reply.acquired[0]
        if (acquired?.state === 'leader') return this.#lease.lead(job, claim!.leases[0]!)
        if (acquired?.state === 'entry') {
          const looked = await this.#reader.judge(job, acquired.envelope, claim!)
          if (looked.state === 'found' && looked.found.state === 'fresh') return this.#promote(job, looked)
        }
        return this.#solo.alone(job)
      }
      case 'throw':
        throw followerTimeout(job.space.policy)
      default:
        return rules.coordinate.onTimeout satisfies never
    }
  }

  #promote(job: Job, looked: { found: FoundValue; bytes: number | undefined }): Found {
    this.#store.keep(job, looked.found, looked.bytes)
    return looked.found
  }

  #followed<T extends { state: 'value' | 'again' | 'timeout' | 'error' }>(job: Job, startedAt: number, result: T): T {
    const { events, clock } = this.#parts
    job.space.policy.counters.followed++
    if (events.hears('followed')) {
      const outcome = result.state === 'again' ? 'retry' : result.state
      events.emit({ type: 'followed', ...subject(job), waitedMs: clock.now() - startedAt, outcome })
    }
    return result
  }

  /**
   * One look at the data key and its lease. Where what is known here proves nothing, the value is judged by clocks read
   * after it: its fill may have begun long before this read. Undefined: the tier failed.
   */
  async #poll(
    job: Job,
    key: StoredKey,
  ): Promise<{ state: FollowReply['states'][0]; serverNowMs: number; control: Control | undefined } | undefined> {
    const { id } = job.space.namespace
    try {
      const reply = await this.#tier.follow(id, [key])
      const state = reply.states[0]!
      const mustAsk = state.envelope !== undefined && this.#reader.mustAsk(job, job.flight.startedAtMs)
      return { state, serverNowMs: reply.serverNowMs, control: mustAsk ? await this.#tier.control(id, []) : undefined }
    } catch (error) {
      this.#reader.tellFailure('follow', error)
      return undefined
    }
  }
}

/** What waiting for somebody else's fill came to. 'failed': the shared tier; 'error': the fill. */
export type Followed =
  | { state: 'value'; found: Found }
  | { state: 'again'; deadId: string | undefined }
  | { state: 'timeout' }
  | { state: 'failed' }
  | { state: 'error'; error: RemoteFillError }

/** How far somebody else's fill is, as far as its lease tells. */
export interface Progress {
  readonly elapsedMs: number
  readonly leftMs: number
}

export function progressOf(job: Job, acquired: Acquired): Progress {
  if (acquired.state !== 'follower') return { elapsedMs: 0, leftMs: 0 }
  // A lease that was renewed hides how old it is: then the fill takes longer than expected anyway.
  const elapsedMs = Math.max(0, job.space.policy.rules.coordinate.leaseMs - acquired.remainingMs)
  return { elapsedMs, leftMs: Math.max(0, (acquired.expectedMs ?? 0) - elapsedMs) }
}

/** True for a refresh in the background that nobody joined: a leader elsewhere brings the value. Nobody joins it now. */
export function isForNobody({ isAwaited, flight }: Job): boolean {
  if (isAwaited || flight.waiters > 0) return false
  flight.isDetached = true
  return true
}

export function followerTimeout({ name, rules }: RegisteredPolicy): CacheError {
  return new CacheError(
    'FOLLOWER_TIMEOUT',
    `Another process has been filling a key of policy '${name}' for longer than coordinate.waitMs ` +
      `(${rules.coordinate.waitMs} ms). Raise waitMs and leaseMs above the fill's usual duration, or choose onTimeout: 'fill'.`,
  )
}

function hasMarker(acquired: Acquired | undefined): boolean {
  return acquired?.state === 'leader' && acquired.marker !== undefined
}

/** Resolves after `delayMs`; rejects with the abort's reason. */
function pause(clock: Clock, delayMs: number, abort: Abort): Promise<void> {
  return new Promise((resolve, reject) => {
    abort.throwIfAborted()
    const forget = abort.onAbort(() => {
      cancel()
      reject(abort.reason)
    })
    const cancel = clock.setTimer(() => {
      forget()
      resolve()
    }, delayMs)
  })
}
