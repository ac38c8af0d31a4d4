import { decodeEnvelope, type Envelope, fillIdOf } from './envelope.js'
import { CacheError } from './errors.js'
import type { FoundValue } from './found.js'
import type { InvalidationQueue } from './invalidation-queue.js'
import { type Job, subject } from './job.js'
import { decodeBody, standingOf } from './judge-envelope.js'
import type { CacheParts } from './parts.js'
import type { Standing } from './ports/local-tier.js'
import type { Control, SharedTier } from './ports/shared-tier.js'
import { storedKey } from './stored-key.js'

/** What the shared tier had for a job. `deadId`: the id of an entry that was found unusable. */
export type Looked =
  | { readonly state: 'found'; readonly found: FoundValue; readonly bytes: number | undefined; readonly fillId: string }
  | { readonly state: 'missing'; readonly deadId: string | undefined }
  | { readonly state: 'failed'; readonly error: unknown }

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

  /** One round trip for all jobs, which are of one namespace; a second one for entries whose tags are not known here. */
  async look(jobs: readonly Job[]): Promise<Looked[]> {
    const [first] = jobs
    if (first === undefined) return []
    const hang = this.#parts.sync!.recentHang
    if (hang !== undefined) return jobs.map(() => ({ state: 'failed', error: hang }))
    if (this.#queue.size > 0 && !(await this.#queue.deliver())) {
      return jobs.map(() => ({ state: 'failed', error: undelivered(this.#tier.name) }))
    }
    const { namespace } = first.space
    const mustAsk = this.#mustAsk(first)
    const sentAt = this.#parts.clock.now()
    const keys = jobs.map((job) => storedKey(job.space.prefix, job.key))
    try {
      const reply = await this.#tier.read(namespace.id, keys, mustAsk ? { tags: [] } : undefined)
      if (reply.control) namespace.adopt(reply.control, [])
      return await Promise.all(
        jobs.map((job, index) => {
          const text = reply.envelopes[index]
          if (text === undefined) return { state: 'missing', deadId: undefined } as const
          return this.judge(job, text, { sentAt, serverNowMs: reply.serverNowMs, control: reply.control })
        }),
      )
    } catch (error) {
      this.tellFailure('read', error)
      return jobs.map(() => ({ state: 'failed', error }))
    }
  }

  /** What an envelope means to a job. `control`: a control block read after the job began. Never rejects. */
  async judge(
    job: Job,
    text: string,
    reply: { sentAt: number; serverNowMs: number; control: Control | undefined },
  ): Promise<Looked> {
    const envelope = decodeEnvelope(text)
    if (envelope === undefined) return this.#unreadable(job, text)
    try {
      return await this.#judge(job, text, envelope, reply)
    } catch (error) {
      this.tellFailure('control', error)
      return { state: 'failed', error }
    }
  }

  async #judge(
    job: Job,
    text: string,
    envelope: Envelope,
    reply: { sentAt: number; serverNowMs: number; control: Control | undefined },
  ): Promise<Looked> {
    const { namespace } = job.space
    const { standing, seen } = await standingOf(namespace, envelope, reply.control, (tags) =>
      this.#tier.control(namespace.id, tags),
    )
    if (standing === 'dead') return { state: 'missing', deadId: envelope.fillId }
    const decoded = await decodeBody(job.space, envelope, this.#parts.clock)
    if (decoded === undefined) return this.#unreadable(job, text)
    const ageMs = Math.max(0, reply.serverNowMs - envelope.storedAtMs)
    const leftMs = Math.min(envelope.freshMs - ageMs, this.#softLeftMs(job, envelope, standing, reply.serverNowMs))
    const found: FoundValue = {
      state: leftMs > 0 ? 'fresh' : 'stale',
      value: decoded.value,
      source: this.#tier.name,
      freshUntilMs: reply.sentAt + leftMs,
      staleMs: envelope.staleMs,
      storedAtMs: this.#parts.clock.wallNow() - ageMs,
      tags: envelope.tags,
      seen,
      // Without a control block it was judged by what is known here, which is as recent as the last sync.
      provenAtMs: reply.control === undefined ? Number.NEGATIVE_INFINITY : reply.sentAt,
      isStored: true,
      form: envelope,
    }
    return { state: 'found', found, bytes: envelope.body.length, fillId: envelope.fillId }
  }

  /** Stale since the soft invalidation, not since it was noticed; never fresh after one, whatever the clocks say. */
  #softLeftMs(job: Job, { soft, born, tags }: Envelope, standing: Standing, serverNowMs: number): number {
    if (standing !== 'stale') return soft ? 0 : Number.POSITIVE_INFINITY
    const sinceUs = job.space.namespace.softenedAtUs(born, tags)
    return Number.isFinite(sinceUs) ? Math.min(0, sinceUs / 1000 - serverNowMs) : 0
  }

  /** `job`: the first of those that the call was about. */
  tellFailure(operation: string, error: unknown, job?: Job): void {
    const { events, tiers } = this.#parts
    tiers.sharedErrors++
    if (!events.hears('tier-failed')) return
    events.emit({ type: 'tier-failed', tier: this.#tier.name, operation, error, ...(job && subject(job)) })
  }

  /** True if what is known here proves nothing: a strict read, a namespace never looked at, a lapsed bound. */
  #mustAsk(job: Job): boolean {
    if (job.level === 'strict' || !job.space.namespace.isOpen) return true
    return job.level === 'bounded' && !this.#parts.sync!.isCurrent(this.#parts.clock.now())
  }

  /** Foreign, truncated or outdated bytes under our key are a miss, and are said. */
  #unreadable(job: Job, text: string): Looked {
    const { events } = this.#parts
    if (events.hears('not-stored')) events.emit({ type: 'not-stored', ...subject(job), cause: 'unreadable' })
    return { state: 'missing', deadId: fillIdOf(text) }
  }
}

function undelivered(tier: string): CacheError {
  return new CacheError(
    'SHARED_TIER_FAILED',
    `The ${tier} tier is not read while invalidations of this process wait to be delivered to it.`,
  )
}
