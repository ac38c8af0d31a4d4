import type { Namespace } from './namespace.js'

/** Told how many hits a tenant has had since it was told last. */
export type HitsListener = (tenant: string, hits: number) => void

/**
 * Hits by tenant, for who asks now and then. While somebody counts, a hit costs an addition; an event of its own would
 * cost as much as several hits.
 */
export class HitTally {
  /** The hot path asks for this one by field. */
  isWanted = false
  readonly #listeners = new Set<HitsListener>()
  readonly #changed: () => void
  /** Those with hits that nobody was told of. */
  #touched: Namespace[] = []

  constructor(changed: () => void) {
    this.#changed = changed
  }

  note(namespace: Namespace): void {
    if (namespace.untoldHits++ === 0) this.#touched.push(namespace)
  }

  /** Tells every listener what was counted since the last time. */
  tell(): void {
    for (const namespace of this.#touched.splice(0)) {
      const hits = namespace.untoldHits
      namespace.untoldHits = 0
      for (const listener of this.#listeners) listener(namespace.tenant, hits)
    }
  }

  /** Returns the function that ends it, and tells first what is not told yet. */
  count(listener: HitsListener): () => void {
    this.tell()
    this.#listeners.add(listener)
    this.#update()
    return () => {
      this.tell()
      this.#listeners.delete(listener)
      this.#update()
    }
  }

  #update(): void {
    this.isWanted = this.#listeners.size > 0
    this.#changed()
  }
}
