import { encodeValue, NotPlainData } from './codec.js'
import { DiskControls, type TagEvent } from './disk-controls.js'
import { decodeEnvelope, type Envelope, encodeEnvelope, isAbove, stampEnvelope } from './envelope.js'
import type { Events } from './events.js'
import type { FoundValue } from './found.js'
import { type Job, subject } from './job.js'
import { decodeBody, judge, judgeAsking } from './judge-envelope.js'
import type { Kept } from './local-store.js'
import type { Anchor, AnchorKeeper } from './log-sync.js'
import type { Namespace } from './namespace.js'
import type { Clock } from './ports/clock.js'
import { DAMAGED, type DiskEntry, type DiskTier, type DiskWrite } from './ports/disk-tier.js'
import type { Key, Standing } from './ports/local-tier.js'
import type { Random } from './ports/random.js'
import type { Control, SharedTier } from './ports/shared-tier.js'
import type { Space } from './space.js'
import { storedKey } from './stored-key.js'
import type { Work } from './work.js'

/** An anchor is written down at most so often: the next process reads that much more of the log. */
const SAVE_EVERY_MS = 1_000
/** In place of the id of a fill: nobody asks for it on a disk. */
const NO_FILL_ID = '-'.repeat(16)

/**
 * The disk tier in the read path: what may be believed of it, and what must be written down so that the next process
 * may.
 *
 * - *Alone or under memory*: tags and `clear` have their clocks on the disk (`DiskControls`), and an invalidation is
 *   acknowledged when it would survive a power cut.
 * - *With a shared tier*: the clocks are the shared tier's. The anchor of the log is written down behind the deletions
 *   that it covers, so the next process replays what it missed. Where that is not possible (no anchor, log trimmed,
 *   power cut), everything stored until then is distrusted: it is as absent.
 */
export class DiskSide implements AnchorKeeper {
  readonly tier: DiskTier
  readonly #clock: Clock
  readonly #events: Events
  readonly #work: Work
  readonly #shared: SharedTier | undefined
  readonly #controls: DiskControls | undefined
  /** Entries of a shard that are not newer than this may have missed an invalidation. */
  #distrusted: number[] = []
  #anchors: string | undefined
  #savedAnchors: string | undefined
  #savedAt = Number.NEGATIVE_INFINITY

  constructor(
    tier: DiskTier,
    parts: { clock: Clock; events: Events; work: Work; random: Random; shared: SharedTier | undefined },
  ) {
    this.tier = tier
    this.#clock = parts.clock
    this.#events = parts.events
    this.#work = parts.work
    this.#shared = parts.shared
    this.#controls = parts.shared ? undefined : new DiskControls(tier, parts.random)
  }

  /** True if entries of this namespace can be judged without waiting for the disk to open. */
  isReady(namespace: Namespace): boolean {
    if (this.tier.state === 'opening') return false
    return this.#controls === undefined || namespace.isOpen || this.tier.state !== 'open'
  }

  /** Resolves once `isReady`, or the disk has failed to open. */
  async ready(namespace: Namespace): Promise<void> {
    if (this.isReady(namespace)) return
    if ((await this.tier.opened) && this.#controls) await this.#controls.open(namespace)
  }

  /** What is held for each job, fresh or stale, judged after the read returned. Never rejects. */
  async read(jobs: readonly Job[]): Promise<(FoundValue | undefined)[]> {
    const entries = await this.tier.read(jobs.map((job) => storedKey(job.space.prefix, job.key)))
    return Promise.all(
      jobs.map((job, index) => {
        const entry = entries[index]
        return entry && this.#judge(job, entry).catch(() => undefined)
      }),
    )
  }

  async #judge(job: Job, entry: DiskEntry): Promise<FoundValue | undefined> {
    const { envelope: text, sequence } = entry
    const { space, flight } = job
    const { namespace } = space
    if (sequence <= (this.#distrusted[this.#shardOf(namespace)] ?? 0)) return undefined
    const envelope = decodeEnvelope(text)
    if (envelope === undefined) return this.#unreadable(job)
    const judged = judge(namespace, envelope, undefined)
    const { standing, seen } =
      judged ?? (await judgeAsking(namespace, envelope, (tags) => this.#control(namespace, tags)))
    if (standing === 'dead') return undefined
    const decoded = await decodeBody(space, envelope, this.#clock)
    if (decoded === undefined) return this.#unreadable(job)
    // An invalidation of this key, or of everything, came by meanwhile.
    if (flight.isPoisoned) return undefined
    const ageMs = Math.max(0, this.tier.nowMs() - envelope.storedAtMs)
    const softLeftMs = standing === 'stale' ? this.#leftSinceTag(namespace, envelope) : Number.POSITIVE_INFINITY
    const leftMs = Math.min(envelope.freshMs - ageMs, softLeftMs, this.#leftSinceKey(entry, envelope))
    return {
      state: leftMs > 0 ? 'fresh' : 'stale',
      value: decoded.value,
      source: this.tier.name,
      freshUntilMs: this.#clock.now() + leftMs,
      staleMs: envelope.staleMs,
      storedAtMs: this.#clock.wallNow() - ageMs,
      tags: envelope.tags,
      seen,
      provenAtMs: Number.NEGATIVE_INFINITY,
      isStored: true,
    }
  }

  /** Stale since its tag was softly invalidated. */
  #leftSinceTag(namespace: Namespace, { born, tags }: Envelope): number {
    const sinceUs = namespace.softenedAtUs(born, tags)
    return Number.isFinite(sinceUs) ? Math.min(0, sinceUs / 1000 - this.tier.nowMs()) : 0
  }

  /**
   * Stale since its key was softly invalidated, which left it no more than its stale life. Where that did not shorten it,
   * as if at once when it was stored: it is served as stale for no longer than its policy allows, whenever that was.
   */
  #leftSinceKey({ isSoft, expiresAtMs }: DiskEntry, { storedAtMs, freshMs, staleMs }: Envelope): number {
    if (!isSoft) return Number.POSITIVE_INFINITY
    const sinceMs = expiresAtMs < storedAtMs + freshMs + staleMs ? expiresAtMs - staleMs : storedAtMs
    return Math.min(0, sinceMs - this.tier.nowMs())
  }

  #control(namespace: Namespace, tags: readonly string[]): Promise<Control> {
    return this.#shared ? this.#shared.control(namespace.id, tags) : this.#controls!.control(namespace, tags)
  }

  #unreadable(job: Job): undefined {
    if (this.#events.hears('not-stored')) {
      this.#events.emit({ type: 'not-stored', ...subject(job), cause: 'unreadable' })
    }
    return undefined
  }

  /** Keeps what was found or filled; of what cannot be kept, no older value stays. */
  keep(space: Space, key: Key, found: FoundValue, standing: Standing): Kept {
    const entry = this.#entry(space, key, found, standing)
    if (entry !== undefined && !this.#isTooLarge(entry)) {
      this.#work.track(this.tier.write([entry]))
      return 'kept'
    }
    this.evict(space, key, false)
    return entry === undefined ? 'not' : 'too-large'
  }

  /**
   * Stores values that a caller gave, all or none of those that can be. Of one that is too large, or undefined, no older
   * value stays.
   */
  async set(
    entries: readonly { readonly space: Space; readonly key: Key; readonly found: FoundValue | undefined }[],
  ): Promise<Kept[]> {
    const writes: DiskWrite[] = []
    const gone: string[] = []
    const outcomes = entries.map(({ space, key, found }): Kept => {
      const write = found && this.#entry(space, key, found, 'current')
      if (found !== undefined && write === undefined) return 'not'
      if (write !== undefined && !this.#isTooLarge(write)) writes.push(write)
      else gone.push(storedKey(space.prefix, key))
      return write === undefined || writes.at(-1) === write ? 'kept' : 'too-large'
    })
    if (outcomes.includes('not')) return entries.map(() => 'not')
    const areWritten = await Promise.all([
      writes.length === 0 || this.tier.write(writes),
      gone.length === 0 || this.tier.remove(gone),
    ])
    return areWritten.includes(false) ? entries.map(() => 'not') : outcomes
  }

  #isTooLarge({ envelope }: DiskWrite): boolean {
    return isAbove(envelope, this.tier.maxEntryBytes)
  }

  #entry(space: Space, key: Key, found: FoundValue, standing: Standing): DiskWrite | undefined {
    const { namespace } = space
    if (this.tier.state !== 'open') return undefined
    const form = found.form ?? this.#form(namespace, found.value)
    const nowMs = this.#clock.now()
    const ageMs = Math.max(0, this.#clock.wallNow() - found.storedAtMs)
    const freshMs = Math.max(0, found.freshUntilMs - nowMs + ageMs)
    const keepMs = Math.ceil(freshMs + found.staleMs - ageMs)
    if (form === undefined || keepMs <= 0) return undefined
    const { codec, body, epoch, born } = form
    const { staleMs, tags } = found
    const envelope = encodeEnvelope({ codec, body, epoch, born, fillId: NO_FILL_ID, freshMs, staleMs, tags })
    this.#controls?.expectLife(keepMs)
    return {
      key: storedKey(space.prefix, key),
      envelope: stampEnvelope(envelope, this.tier.nowMs() - ageMs),
      keepMs,
      isSoft: standing === 'stale',
    }
  }

  /**
   * Without a shared tier what is alive now was filled after every event so far. With one, what it did not see has no
   * clock that others would understand.
   */
  #form(namespace: Namespace, value: unknown): FoundValue['form'] {
    if (this.#shared !== undefined || namespace.epoch === undefined) return undefined
    const encoded = encodeValue(value)
    if (encoded instanceof NotPlainData) return undefined
    return { codec: encoded.codec, body: encoded.text, epoch: namespace.epoch, born: namespace.clock }
  }

  /** Gone, or stale, for every read from now on. */
  evict(space: Space, key: Key, soft: boolean): void {
    // With a shared tier the log's row comes first, for keys whose policies nobody here may know: the first softening counts.
    const keepMs = this.#shared ? undefined : space.policy.rules.staleMs
    this.#remove([storedKey(space.prefix, key)], soft, keepMs)
  }

  remove(keys: readonly string[], soft: boolean): void {
    this.#remove(keys, soft)
  }

  #remove(keys: readonly string[], soft: boolean, keepMs?: number): void {
    this.#work.track(soft ? this.tier.soften(keys, keepMs) : this.tier.remove(keys))
  }

  /** True if tags and `clear` have their clocks here; then the event was applied and written down. */
  bump(namespace: Namespace, event: TagEvent): boolean {
    if (this.#controls === undefined || !namespace.isOpen || this.tier.state !== 'open') return false
    this.#controls.bump(namespace, event)
    return true
  }

  /** What a namespace of a shard holds may have missed an invalidation: nothing stored so far is believed. */
  distrust(shard: number): void {
    if (this.tier.state !== 'open') return
    this.#distrusted[shard] = this.tier.mark()
    this.#work.track(this.tier.writeNotes([{ name: 'distrusted', text: JSON.stringify(this.#distrusted) }]))
  }

  /** The anchors that the last process left, if what the disk holds is at least as new as they say. */
  async load(): Promise<(Anchor | undefined)[] | undefined> {
    if (!(await this.tier.opened)) return undefined
    const [anchors, synced, distrusted] = await this.tier.readNotes(['anchors', 'synced-anchors', 'distrusted'])
    const marks = parse(distrusted)
    if (Array.isArray(marks)) this.#distrusted = marks as number[]
    else if (distrusted !== undefined) return undefined
    const own = parse(anchors) as { boot?: string; shards?: (Anchor | undefined)[] } | undefined
    const isOfThisBoot = own?.boot !== undefined && own.boot !== '' && own.boot === this.tier.bootId
    const usable = isOfThisBoot || this.tier.isPowerSafe ? own : (parse(synced) as typeof own)
    return usable?.shards?.map((anchor) => anchor ?? undefined)
  }

  /** Written behind all deletions that the anchors cover. */
  save(anchors: readonly (Anchor | undefined)[]): void {
    if (this.tier.state !== 'open') return
    this.#anchors = JSON.stringify({ boot: this.tier.bootId, shards: anchors })
    const nowMs = this.#clock.now()
    if (this.#anchors === this.#savedAnchors || nowMs - this.#savedAt < SAVE_EVERY_MS) return
    this.#savedAnchors = this.#anchors
    this.#savedAt = nowMs
    this.#work.track(this.tier.writeNotes([{ name: 'anchors', text: this.#anchors }]))
  }

  /** After the last event: what lies there now survives a power cut, and is known to reach up to the anchors. */
  async close(): Promise<void> {
    const anchors = this.#anchors
    if (anchors !== undefined && (await this.tier.sync())) {
      await this.tier.writeNotes([
        { name: 'anchors', text: anchors },
        { name: 'synced-anchors', text: anchors },
      ])
    }
    await this.tier.close()
  }

  #shardOf(namespace: Namespace): number {
    return this.#shared?.shardOf(namespace.id) ?? 0
  }
}

function parse(text: string | undefined | typeof DAMAGED): unknown {
  if (text === undefined || text === DAMAGED) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
