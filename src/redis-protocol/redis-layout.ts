import type { NamespaceId, StoredKey } from '../core/ports/shared-tier.js'

/** Version of the layout; caches of another version do not see these keys. */
const WIRE_VERSION = 'c1'

/**
 * The names of everything a cache keeps in Redis. The braces put data, lease and marker of one entry into one slot,
 * and what belongs to one shard into another. A stored key begins with a digit, so that even one with braces in it
 * gives the three names the same hash tag.
 *
 * ```
 * <prefix><cache>:c1:d:{<storedKey>}           string  envelope
 * <prefix><cache>:c1:l:{<storedKey>}           string  token of the fill that holds the lease
 * <prefix><cache>:c1:m:{<storedKey>}           string  least source version, after an invalidation that named one
 * <prefix><cache>:c1:n:{b<shard>}:<namespace>  hash    control block: !e epoch, !v clock, !f floor, !p pruned,
 *                                                      !h horizon in ms, t<tag> hard clock, s<tag> soft clocks
 * <prefix><cache>:c1:b:{b<shard>}              stream  invalidation log, field p = payload; also the channel
 * <prefix><cache>:c1:g:{b<shard>}              string  generation of the log
 * ```
 */
export class RedisLayout {
  /** What every name begins with. */
  readonly base: string
  readonly #dataHead: string

  constructor(prefix: string, cacheName: string) {
    this.base = `${prefix}${cacheName}:${WIRE_VERSION}:`
    this.#dataHead = `${this.base}d:{`
  }

  data(key: StoredKey): string {
    return `${this.#dataHead}${key}}`
  }

  /** The stored key of a data key's name; undefined for any other name. */
  keyOfData(name: string): StoredKey | undefined {
    const head = this.#dataHead
    return name.startsWith(head) && name.endsWith('}') ? name.slice(head.length, -1) : undefined
  }

  lease(key: StoredKey): string {
    return `${this.base}l:{${key}}`
  }

  marker(key: StoredKey): string {
    return `${this.base}m:{${key}}`
  }

  control(shard: number, namespace: NamespaceId): string {
    return `${this.base}n:{b${shard}}:${namespace}`
  }

  /** Also the name of the channel on which each row is published. */
  log(shard: number): string {
    return `${this.base}b:{b${shard}}`
  }

  generation(shard: number): string {
    return `${this.base}g:{b${shard}}`
  }
}
