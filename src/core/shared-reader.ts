import { decodeEnvelope, type Envelope, fillIdOf } from './envelope.js'
import { CacheError } from './errors.js'
import type { FoundValue } from './found.js'
import type { InvalidationQueue } from './invalidation-queue.js'
import { type Job, subject } from './job.js'
import { type Decoded, decodeBody, type Judged, judge, judgeAsking } from './judge-envelope.js'
import type { CacheParts } from './parts.js'
import type { Control, SharedTier } from './ports/shared-tier.js'
import { storedKey } from './stored-key.js'

/** What the shared tier had for a job. `deadId`: the id of an entry that was found unusable. */
export type Looked =
  | { readonly state: 'found'; readonly found: FoundValue; readonly bytes: number | undefined; readonly fillId: string }
  | { readonly state: 'missing'; readonly deadId: string | undefined }
  | { readonly state: 'failed'; readonly error: unknown }

/** A reply, and when it was asked for. `control`: a control block read after the job began. */
interface Answered {
  readonly sentAt: number
  readonly serverNowMs: number
  readonly control?: Control | undefined
}

const NO_TAGS: readonly string[] = Object.freeze([])
const NOTHING: Looked = Object.freeze({ state: 'missing', deadId: undefined })

/** Reads the shared tier and judges what it finds: by what is known here while that is provably recent, else by asking. */
export class SharedReader {
  readonly #parts: CacheParts
  readonly #tier: SharedTier
  readonly #queue: InvalidationQueue

  constructor(parts: CacheParts, tier: SharedTier, queue: InvalidationQueue) {
    this.#parts = parts
    this.#tier = tier
    this.#queue = queue
  }

  /** True while invalidations of this process wait to be delivered: the tier is not read before they are. */
  get hasUndelivered(): boolean {
    return this.#queue.size > 0
  }

  /**
   * Answers what `use` makes of what is found. One round trip; a second one for an entry whose tags are not known here.
   * No `async`: each hit in the shared tier comes by here, and a promise costs more than the judgement.
   */
  lookUp<R>(job: Job, use: (looked: Looked) => R | Promise<R>): Promise<R> {
    if (this.#queue.size > 0 || this.#parts.sync!.recentHang !== undefined)
      return this.look([job]).then(([looked]) => use(looked!))
    const { namespace, prefix } = job.space
    // Or a little later: the bound counts from where a read began, and what is proven is proven of then, too.
    const sentAt = job.flight.startedAtMs
    const key = storedKey(prefix, job.key)
    const failed = (error: unknown): R | Promise<R> => use(this.#failed(error))
    if (!this.mustAsk(job, sentAt)) {
      return this.#tier.readOne(
        key,
        (text, serverNowMs) => after(this.#meaning(job, text, { sentAt, serverNowMs }), use),
        failed,
      )
    }
    const askedAt = namespace.sequence
    return this.#tier.read(namespace.id, [key], { tags: NO_TAGS }).then(({ envelopes, serverNowMs, control }) => {
      if (control) namespace.adopt(control, NO_TAGS, askedAt)
      return after(this.#meaning(job, envelopes[0], { sentAt, serverNowMs, control }), use)
    }, failed)
  }

  /** The same for several jobs of one namespace, by one round trip for all. */
  async look(jobs: readonly Job[]): Promise<Looked[]> {
    const [first] = jobs
    if (first === undefined) return []
    const obstacle = await this.#obstacle()
    if (obstacle !== undefined) return jobs.map(() => ({ state: 'failed', error: obstacle }))
    const { namespace } = first.space
    const sentAt = this.#parts.clock.now()
    const askedAt = namespace.sequence
    const keys = jobs.map((job) => storedKey(job.space.prefix, job.key))
    try {
      const asked = this.mustAsk(first, sentAt) ? { tags: NO_TAGS } : undefined
      const reply = await this.#tier.read(namespace.id, keys, asked)
      if (reply.control) namespace.adopt(reply.control, NO_TAGS, askedAt)
      const answered = { sentAt, serverNowMs: reply.serverNowMs, control: reply.control }
      return await Promise.all(jobs.map((job, index) => this.#meaning(job, reply.envelopes[index], answered)))
    } catch (error) {
      const failed = this.#failed(error)
      return jobs.map(() => failed)
    }
  }

  /** Why the tier is not read now, if there is a reason. */
  async #obstacle(): Promise<unknown> {
    const hang = this.#parts.sync!.recentHang
    if (hang !== undefined || this.#queue.size === 0) return hang
    return (await this.#queue.deliver()) ? undefined : undelivered(this.#tier.name)
  }

  #meaning(job: Job, text: string | undefined, reply: Answered): Looked | Promise<Looked> {
    return text === undefined ? NOTHING : this.judge(job, text, reply)
  }

  /** What an envelope means to a job: at once, unless somebody must be asked. Never throws or rejects. */
  judge(job: Job, text: string, reply: Answered): Looked | Promise<Looked> {
    const envelope = decodeEnvelope(text)
    if (envelope === undefined) return this.#unreadable(job, fillIdOf(text))
    const judged = judge(job.space.namespace, envelope, reply.control)
    if (judged === undefined) return this.#judgeAsking(job, envelope, reply)
    return this.#decode(job, envelope, judged, reply)
  }

  async #judgeAsking(job: Job, envelope: Envelope, reply: Answered): Promise<Looked> {
    const { namespace } = job.space
    try {
      const judged = await judgeAsking(namespace, envelope, (tags) => this.#tier.control(namespace.id, tags))
      return await this.#decode(job, envelope, judged, reply)
    } catch (error) {
      this.tellFailure('control', error)
      return { state: 'failed', error }
    }
  }

  #decode(job: Job, envelope: Envelope, judged: Judged, reply: Answered): Looked | Promise<Looked> {
    if (judged.standing === 'dead') return { state: 'missing', deadId: envelope.fillId }
    const decoded = decodeBody(job.space, envelope, this.#parts.clock)
    if (!(decoded instanceof Promise)) return this.#found(job, envelope, { decoded, judged, reply })
    return decoded.then((checked) => this.#found(job, envelope, { decoded: checked, judged, reply }))
  }

  #found(
    job: Job,
    envelope: Envelope,
    { decoded, judged, reply }: { decoded: Decoded | undefined; judged: Judged; reply: Answered },
  ): Looked {
    if (decoded === undefined) return this.#unreadable(job, envelope.fillId)
    const { freshMs, staleMs, tags, storedAtMs, body, fillId } = envelope
    const ageMs = Math.max(0, reply.serverNowMs - storedAtMs)
    const leftMs = Math.min(freshMs - ageMs, softLeftMs(envelope, judged, reply.serverNowMs))
    const found: FoundValue = {
      state: leftMs > 0 ? 'fresh' : 'stale',
      value: decoded.value,
      source: this.#tier.name,
      freshUntilMs: reply.sentAt + leftMs,
      staleMs,
      storedAtMs: this.#parts.clock.wallNow() - ageMs,
      tags,
      seen: judged.seen,
      // Without a control block it was judged by what is known here, which is as recent as the last sync.
      provenAtMs: reply.control === undefined ? Number.NEGATIVE_INFINITY : reply.sentAt,
      isStored: true,
      form: envelope,
    }
    return { state: 'found', found, bytes: body.length, fillId }
  }

  /** `job`: the first of those that the call was about. */
  tellFailure(operation: string, error: unknown, job?: Job): void {
    const { events, tiers } = this.#parts
    tiers.sharedErrors++
    if (!events.hears('tier-failed')) return
    events.emit({ type: 'tier-failed', tier: this.#tier.name, operation, error, ...(job && subject(job)) })
  }

  /** True if what is known here proves nothing: a strict read, a namespace never looked at, a lapsed bound. */
  mustAsk(job: Job, nowMs: number): boolean {
    if (job.level === 'strict' || !job.space.namespace.isOpen) return true
    return job.level === 'bounded' && !this.#parts.sync!.isCurrent(nowMs)
  }

  #failed(error: unknown): Looked {
    this.tellFailure('read', error)
    return { state: 'failed', error }
  }

  /** Foreign, truncated or outdated bytes under our key are a miss, and are said. */
  #unreadable(job: Job, deadId: string): Looked {
    const { events } = this.#parts
    if (events.hears('not-stored')) events.emit({ type: 'not-stored', ...subject(job), cause: 'unreadable' })
    return { state: 'missing', deadId }
  }
}

/** Stale since the first soft invalidation, not since it was noticed; never fresh after one, whatever the clocks say. */
function softLeftMs({ soft }: Envelope, { standing, softenedAtUs }: Judged, serverNowMs: number): number {
  if (standing !== 'stale') return soft ? 0 : Number.POSITIVE_INFINITY
  return Math.min(0, softenedAtUs! / 1000 - serverNowMs)
}

/** What `use` makes of a result, at once if that is there already. */
function after<T, R>(result: T | Promise<T>, use: (result: T) => R | Promise<R>): R | Promise<R> {
  return result instanceof Promise ? result.then(use) : use(result)
}

function undelivered(tier: string): CacheError {
  return new CacheError(
    'SHARED_TIER_FAILED',
    `The ${tier} tier is not read while invalidations of this process wait to be delivered to it.`,
  )
}
