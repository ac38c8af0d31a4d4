import type { Key } from './ports/local-tier.js'
import type { Space } from './space.js'

/** Invalidations that a process remembers, and keys of one of them. */
const MAX_RECORDS = 256
const MAX_KEYS = 64

/** Characters of an operation's id that name the cache that began it. */
export const SENDER_LENGTH = 8

/** An invalidation that this process did or heard of. */
export interface RecentInvalidation {
  /** Wall clock of this process when it was applied here. */
  readonly atMs: number
  /** How it became known: done here, read from the log, or pushed by pub/sub. */
  readonly source: 'local' | 'log' | 'push'
  /** `stats().sender` of the cache that did it; '' where the shared tier opened a new control block by itself. */
  readonly sender: string
  readonly tags: readonly string[]
  readonly clear: boolean
  readonly soft: boolean
  /** Entries that it named. */
  readonly entries: number
}

interface Remembered extends RecentInvalidation {
  readonly namespaceId: string
  readonly refs: readonly { readonly space: Space; readonly key: Key }[]
}

/** The latest invalidations, for people who ask why an entry is gone. */
export class RecentInvalidations {
  readonly #records: Remembered[] = []
  #next = 0

  add(record: Remembered): void {
    this.#records[this.#next] = { ...record, refs: record.refs.slice(0, MAX_KEYS) }
    this.#next = (this.#next + 1) % MAX_RECORDS
  }

  /** Those that named an entry, one of its tags or its whole namespace; the latest first. */
  touching(space: Space, key: Key, tags: readonly string[]): RecentInvalidation[] {
    const inOrder = [...this.#records.slice(this.#next), ...this.#records.slice(0, this.#next)]
    return inOrder
      .filter(
        (record) =>
          record.namespaceId === space.namespace.id &&
          (record.clear ||
            record.tags.some((tag) => tags.includes(tag)) ||
            record.refs.some((ref) => ref.space === space && ref.key === key)),
      )
      .reverse()
      .map(({ namespaceId: _id, refs: _refs, ...told }) => told)
  }
}
