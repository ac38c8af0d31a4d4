import { CacheError } from './errors.js'
import type { Events } from './events.js'
import { decodeLogPayload, type LogEntry } from './log-entry.js'
import type { CancelTimer, Clock } from './ports/clock.js'
import type { LogPosition, LogRow, SharedTier } from './ports/shared-tier.js'
import type { ServerTime } from './server-time.js'

const ROWS_PER_READ = 500

/** A server that refused the subscription is asked again after so long, each time twice as long. */
const ASK_AGAIN_MS = 1_000
const MAX_ASK_AGAIN_MS = 300_000

/** Why a log could not be followed on from the last row. */
export type Discontinuity = 'first' | 'trimmed' | 'rewound' | 'lost'

/** How an invalidation became known. */
export interface Heard {
  /** In the log's order; otherwise from pub/sub, early, perhaps repeated. */
  readonly isOrdered: boolean
  /** When it happened, by the clock of this process. */
  readonly atMs: number
}

/** What the log tells the rest of the cache. Both must be synchronous. */
export interface LogListener {
  apply(entry: LogEntry, heard: Heard): void
  /**
   * Rows may have been missed: everything held locally for this shard must go. 'rewound': the server has forgotten rows
   * that it had told, as a replica does that was promoted before it had them.
   */
  discontinuity(shard: number, cause: Discontinuity): void
  /**
   * Ids of rows behind an anchor that this process knows to be in the log, because what they say was acknowledged here.
   * Those up to the anchor were read, and need not be told again.
   */
  acknowledged(shard: number, anchor: Anchor): Set<string>
}

/** Remembers anchors for the next process, where local tiers outlive this one. */
export interface AnchorKeeper {
  load(): Promise<(Anchor | undefined)[] | undefined>
  /** Must not throw. */
  save(anchors: readonly (Anchor | undefined)[]): void
}

/** How far one log was followed. `row` undefined: it was empty. */
export interface Anchor {
  readonly generation: string
  readonly row: LogRow | undefined
}

/**
 * Follows the invalidation logs so that local tiers can prove how old they may be.
 *
 * - `syncedAt` is when the last successful sync was *sent*: whatever was acknowledged before that has been applied.
 * - Each sync reads from its own last row, inclusive. If that row is not there, byte for byte, rows may have been
 *   missed (trimmed, flushed, failed over): everything local is dropped and the anchor set anew.
 * - A log without a row whose invalidation was acknowledged to this process has forgotten it, too.
 * - Pub/sub rows are applied as they come, but move neither anchor nor `syncedAt`.
 *
 * Modes: unanchored (nothing may answer locally) → current (within the bound) ⇄ lapsed (a read starts one shared sync).
 */
export class LogSync {
  readonly #tier: SharedTier
  readonly #clock: Clock
  readonly #events: Events
  readonly #listener: LogListener
  readonly #maxStalenessMs: number
  readonly #keeper: AnchorKeeper | undefined
  readonly #time: ServerTime
  readonly #anchors: (Anchor | undefined)[]
  #isLoaded = false
  #syncedAt = Number.NEGATIVE_INFINITY
  #running: Promise<boolean> | undefined
  #cancelTimer: CancelTimer | undefined
  #unsubscribe: Promise<(() => Promise<void>) | undefined> | undefined
  /** Subscriptions that were refused, one after the other, and when to ask again: what is refused once is so for long. */
  #refusals = 0
  #askAgainAtMs = Number.NEGATIVE_INFINITY
  #isClosed = false
  #failure: { readonly error: unknown; readonly atMs: number } | undefined
  /** Set by every read that relied on the bound; an idle process stops polling. */
  wasUsed = false
  /** Somebody reads who cannot wait for a sync: polling goes on while nobody reads. */
  staysCurrent = false

  constructor(
    tier: SharedTier,
    maxStalenessMs: number,
    parts: {
      clock: Clock
      events: Events
      listener: LogListener
      keeper: AnchorKeeper | undefined
      time: ServerTime
    },
  ) {
    this.#tier = tier
    this.#clock = parts.clock
    this.#events = parts.events
    this.#listener = parts.listener
    this.#keeper = parts.keeper
    this.#time = parts.time
    this.#maxStalenessMs = maxStalenessMs
    this.#anchors = new Array<Anchor | undefined>(tier.shards).fill(undefined)
  }

  /** True while local copies may answer: everything acknowledged before `nowMs - maxStaleness` was applied. */
  isCurrent(nowMs: number): boolean {
    this.wasUsed = true
    return nowMs - this.#syncedAt <= this.#maxStalenessMs
  }

  /** As `isCurrent`, for what was true of the origin at `momentMs`: one rule for use and join. */
  covers(momentMs: number, nowMs: number, boundMs = this.#maxStalenessMs): boolean {
    return nowMs - Math.max(momentMs, this.#syncedAt) <= boundMs
  }

  /** True from a sync that failed until one succeeds. */
  get isFailing(): boolean {
    return this.#failure !== undefined
  }

  /**
   * The error of a sync that timed out a moment ago: who waited for it has waited long enough, and what comes within the
   * same time would wait in vain.
   */
  get recentHang(): unknown {
    if (this.#failure === undefined) return undefined
    const { error, atMs } = this.#failure
    const isHang = CacheError.is(error) && error.code === 'SHARED_TIER_TIMEOUT'
    return isHang && this.#clock.now() - atMs < this.#tier.commandTimeoutMs ? error : undefined
  }

  /** Starts a sync that nobody waits for, unless one failed just now. */
  nudge(): void {
    if (this.#failure && this.#clock.now() - this.#failure.atMs < this.#tier.commandTimeoutMs) return
    void this.sync()
  }

  get syncedAtMs(): number {
    return this.#syncedAt
  }

  get isAnchored(): boolean {
    return this.#syncedAt !== Number.NEGATIVE_INFINITY
  }

  /** One sync, shared by all who ask while it runs. False: the tier failed. Never rejects. */
  sync(): Promise<boolean> {
    this.#running ??= this.#syncAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** A sync that is sent after this call: one already under way may have been executed before. */
  async freshSync(): Promise<boolean> {
    await this.#running
    return this.sync()
  }

  /** True once the log was followed up to `position`. 'unknown': the position cannot be compared with this log. */
  hasReached(position: LogPosition): boolean | 'unknown' {
    const anchor = this.#anchors[position.shard]
    if (anchor === undefined || anchor.generation !== position.generation) return 'unknown'
    return anchor.row !== undefined && compareIds(anchor.row.id, position.id) >= 0
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTimer?.()
    await this.#running
    const unsubscribe = await this.#unsubscribe
    await unsubscribe?.()
  }

  async #syncAll(): Promise<boolean> {
    if (this.#isClosed) return false
    if (this.#keeper && !this.#isLoaded) await this.#load(this.#keeper)
    this.#start()
    const sentAt = this.#clock.now()
    try {
      await Promise.all(this.#anchors.map((_, shard) => this.#syncShard(shard)))
    } catch (error) {
      this.#failure = { error, atMs: this.#clock.now() }
      if (this.#events.hears('tier-failed')) {
        this.#events.emit({ type: 'tier-failed', tier: this.#tier.name, operation: 'sync', error })
      }
      return false
    }
    // Who was refused while there was nobody to ask need not wait as long as somebody without the right to listen.
    if (this.#failure !== undefined) this.#askAgainAtMs = Number.NEGATIVE_INFINITY
    this.#failure = undefined
    this.#syncedAt = Math.max(this.#syncedAt, sentAt)
    this.#keeper?.save(this.#anchors)
    return true
  }

  /** Goes on where the last process stopped; its anchors are compared with the log like our own. */
  async #load(keeper: AnchorKeeper): Promise<void> {
    const anchors = await keeper.load()
    this.#isLoaded = true
    for (const shard of this.#anchors.keys()) this.#anchors[shard] ??= anchors?.[shard]
  }

  async #syncShard(shard: number): Promise<void> {
    const anchor = this.#anchors[shard]
    if (anchor === undefined) return this.#reanchor(shard, 'first')
    const acknowledged = this.#listener.acknowledged(shard, anchor)
    let from = anchor.row
    for (;;) {
      const sentAt = this.#clock.now()
      const slice = await this.#tier.logSince(shard, from?.id ?? '0-0', ROWS_PER_READ)
      this.#time.note(shard, sentAt, slice.serverNowMs)
      if (slice.generation !== anchor.generation) return this.#reanchor(shard, 'lost')
      const [first] = slice.rows
      if (from !== undefined && (first?.id !== from.id || first.payload !== from.payload)) {
        return this.#reanchor(shard, await this.#whyBroken(shard, from, first))
      }
      // An empty log that grew by a whole page may have been trimmed meanwhile: no row of ours could tell.
      if (from === undefined && slice.rows.length === ROWS_PER_READ) return this.#reanchor(shard, 'trimmed')
      const rows = from === undefined ? slice.rows : slice.rows.slice(1)
      for (const row of rows) this.#apply(shard, row, true)
      for (const { id } of rows) acknowledged.delete(id)
      from = rows.at(-1) ?? from
      this.#anchors[shard] = { generation: anchor.generation, row: from }
      const isLast = slice.rows.length < ROWS_PER_READ
      if (isPassed(acknowledged, isLast ? undefined : from)) return this.#reanchor(shard, 'rewound')
      if (isLast) return
    }
  }

  /** Drops what is local first: between the tail's row and this moment nothing may be served. */
  async #reanchor(shard: number, cause: Discontinuity): Promise<void> {
    this.#anchors[shard] = undefined
    this.#syncedAt = Number.NEGATIVE_INFINITY
    const tail = await this.#tier.tail(shard)
    this.#listener.discontinuity(shard, cause)
    this.#anchors[shard] = { generation: tail.generation, row: tail.row }
    if (this.#events.hears('log-broken')) this.#events.emit({ type: 'log-broken', shard, cause })
  }

  async #whyBroken(shard: number, anchor: LogRow, first: LogRow | undefined): Promise<'trimmed' | 'rewound'> {
    if (first?.id === anchor.id) return 'rewound'
    const { row } = await this.#tier.tail(shard)
    if (row === undefined || compareIds(row.id, anchor.id) < 0) return 'rewound'
    // Trimming takes the oldest rows. Others may have written to a log that has forgotten ours.
    const [oldest] = (await this.#tier.logSince(shard, '0-0', 1)).rows
    if (oldest !== undefined && compareIds(oldest.id, anchor.id) < 0) return 'rewound'
    return 'trimmed'
  }

  #apply(shard: number, row: LogRow, isOrdered: boolean): void {
    const entry = decodeLogPayload(row.payload)
    if (entry) this.#listener.apply(entry, { isOrdered, atMs: this.#time.here(shard, msOfId(row.id)) })
  }

  /** Timer and subscription begin with the first sync: a cache that is never read costs nothing. */
  #start(): void {
    if (this.#tier.pollMs > 0) this.#cancelTimer ??= this.#schedule()
    if (this.#tier.subscribe === undefined || this.#unsubscribe !== undefined) return
    if (this.#clock.now() < this.#askAgainAtMs) return
    this.#unsubscribe = this.#tier
      .subscribe((shard, row) => this.#apply(shard, row, false))
      .then((unsubscribe) => {
        this.#refusals = 0
        return unsubscribe
      })
      .catch((error: unknown) => this.#refused(error))
  }

  /** The log is followed all the same, a poll later. Said once. */
  #refused(error: unknown): undefined {
    this.#unsubscribe = undefined
    this.#askAgainAtMs = this.#clock.now() + Math.min(MAX_ASK_AGAIN_MS, ASK_AGAIN_MS * 2 ** this.#refusals)
    if (this.#refusals++ > 0) return
    this.#events.emit({ type: 'tier-failed', tier: this.#tier.name, operation: 'subscribe', error })
  }

  #schedule(): CancelTimer {
    return this.#clock.setHousekeepingTimer(() => {
      this.#cancelTimer = this.#schedule()
      if (!this.wasUsed && !this.staysCurrent) return
      this.wasUsed = false
      void this.sync()
    }, this.#tier.pollMs)
  }
}

/** True if one of these rows should have come by: up to `row`, or at all. */
function isPassed(ids: ReadonlySet<string>, row: LogRow | undefined): boolean {
  for (const id of ids) if (row === undefined || compareIds(id, row.id) < 0) return true
  return false
}

/** When the row of a stream id was written, by the server's clock. */
function msOfId(id: string): number {
  return Number.parseInt(id, 10)
}

/** Order of two stream ids, `<milliseconds>-<sequence>`. */
export function compareIds(a: string, b: string): number {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number)
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number)
  return aMs - bMs || aSeq - bSeq
}
