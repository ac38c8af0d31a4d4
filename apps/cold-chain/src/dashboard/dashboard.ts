import type { Cache, Entry, EntryDetails, Key } from 'freshtier'
import type { Provenance } from './cache-status.js'
import { LatencyWindow } from './latency-window.js'
import type { Question } from './questions.js'

export interface DashboardOptions {
  /** None = every question goes to the database. */
  readonly cache: Cache | undefined
  /** One read in this many is asked of the database as well, in the background, to know what it would have cost. */
  readonly sampleEvery?: number
}

export interface ReadOptions {
  /** Token of a receipt: the answer is at least as new as that invalidation, whichever process did it. */
  readonly after?: string | undefined
}

export interface Answer<V> {
  readonly value: V
  readonly provenance: Provenance
}

/** Answers the questions of dashboards, and measures what the cache is worth. */
export class Dashboard {
  /** Every read as callers see it, hit or not. */
  readonly readLatency = new LatencyWindow()
  readonly hitLatency = new LatencyWindow()
  /** The same questions asked of the database directly. */
  readonly uncachedLatency = new LatencyWindow()
  readonly #cache: Cache | undefined
  readonly #sampleEvery: number
  #reads = 0
  #sample: Promise<void> | undefined

  constructor({ cache, sampleEvery = 50 }: DashboardOptions) {
    this.#cache = cache
    this.#sampleEvery = sampleEvery
  }

  /** `undefined` = the organisation has no such thing; nothing is kept of that. */
  async read<K extends Key, V>(
    question: Question<K, V>,
    organisationId: string,
    key: K,
    options: ReadOptions = {},
  ): Promise<Answer<V> | undefined> {
    const startedAt = performance.now()
    const answer = this.#cache
      ? await this.#ask(this.#cache.tenant(organisationId).getOrFillEntry(question.policy, key, options))
      : await this.#bypass(question, organisationId, key)
    const tookMs = performance.now() - startedAt
    this.readLatency.add(tookMs)
    if (answer?.provenance.outcome === 'hit') this.hitLatency.add(tookMs)
    if (!this.#cache) this.uncachedLatency.add(tookMs)
    else if (this.#reads++ % this.#sampleEvery === 0) this.#sampleUncached(question, organisationId, key)
    return answer
  }

  /** Resolves when no measurement runs any more. */
  async settle(): Promise<void> {
    await this.#sample
  }

  async #ask<V>(asked: Promise<Entry<V | undefined>>): Promise<Answer<V> | undefined> {
    const entry = await asked
    if (entry.state === 'missing' || entry.value == null) return undefined
    return { value: entry.value, provenance: provenanceOf(entry) }
  }

  async #bypass<K extends Key, V>(
    question: Question<K, V>,
    organisationId: string,
    key: K,
  ): Promise<Answer<V> | undefined> {
    const value = await question.ask(organisationId, key)
    return value === undefined ? undefined : { value, provenance: { outcome: 'bypass', detail: 'cache-off' } }
  }

  /** At most one at a time, so that measuring never becomes the load. A failure is the database's, and not measured. */
  #sampleUncached<K extends Key, V>(question: Question<K, V>, organisationId: string, key: K): void {
    if (this.#sample !== undefined) return
    const startedAt = performance.now()
    this.#sample = question
      .ask(organisationId, key)
      .then(
        () => this.uncachedLatency.add(performance.now() - startedAt),
        () => {},
      )
      .finally(() => {
        this.#sample = undefined
      })
  }
}

function provenanceOf({ state, source, ttlMs, stored }: EntryDetails & { state: string }): Provenance {
  if (source === 'fill') return { outcome: 'filled', stored, ttlMs }
  if (source === 'flight') return { outcome: 'collapsed' }
  return { outcome: state === 'stale' ? 'stale' : 'hit', tier: source, ttlMs }
}
