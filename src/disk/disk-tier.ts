import {
  DAMAGED,
  type DiskEntry,
  type DiskNote,
  type DiskTier,
  type DiskTierContext,
  type DiskTierDefinition,
  type DiskUsage,
  type DiskWrite,
} from '../core/ports/disk-tier.js'
import { bootId } from './directory-lock.js'
import { DiskStore } from './disk-store.js'
import { checkDiskTierOptions, type DiskRules, type DiskTierOptions } from './disk-tier-options.js'

/**
 * A local tier on disk: larger than memory, and warm after a restart. It stands behind the memory tier and in front of
 * the shared tier, and needs neither.
 *
 * ```ts
 * const cache = createCache({
 *   ttl: '10m',
 *   tiers: [memoryTier(), diskTier({ directory: './.cache', maxBytes: '2gb' })],
 * })
 * ```
 *
 * @throws InvalidOptionError naming the field, the value and the rule.
 */
export function diskTier(options: DiskTierOptions): DiskTierDefinition {
  const rules = checkDiskTierOptions(options)
  return Object.freeze({
    kind: 'local',
    name: 'disk',
    open: (context: DiskTierContext) => new StoreTier(rules, context),
  })
}

/** The store as the core sees it: text by stored key, notes beside the entries. */
class StoreTier implements DiskTier {
  readonly kind = 'local'
  readonly name = 'disk'
  readonly isPowerSafe: boolean
  readonly bootId = bootId()
  readonly maxEntryBytes: number
  readonly #store: DiskStore
  /** Caches of other names may have used the directory before. */
  readonly #prefix: string

  constructor(rules: DiskRules, context: DiskTierContext) {
    this.#store = new DiskStore(rules, context)
    this.#prefix = `${context.cacheName}:`
    this.isPowerSafe = rules.durability === 'fsync'
    this.maxEntryBytes = rules.maxEntryBytes
  }

  get opened(): Promise<boolean> {
    return this.#store.opened
  }

  get state(): DiskTier['state'] {
    return this.#store.state
  }

  nowMs(): number {
    return this.#store.time.nowMs()
  }

  mark(): number {
    return this.#store.time.nextSequence()
  }

  async read(keys: readonly string[]): Promise<(DiskEntry | undefined)[]> {
    const [first] = keys
    const found =
      keys.length === 1 ? [await this.#store.get(this.#key(first!))] : await this.#store.getMany(this.#keys(keys))
    return found.map((one) => {
      if (one === undefined) return undefined
      const { value, isSoft, expiresAtMs, sequence } = one
      return { envelope: value.toString(), isSoft, expiresAtMs, sequence }
    })
  }

  write(entries: readonly DiskWrite[]): Promise<boolean> {
    return this.#store.setMany(
      entries.map(({ key, envelope, keepMs, isSoft }) => ({
        key: this.#key(key),
        value: envelope,
        lifeMs: keepMs,
        isSoft,
      })),
    )
  }

  remove(keys: readonly string[]): Promise<boolean> {
    return this.#store.delete(this.#keys(keys))
  }

  soften(keys: readonly string[], keepMs?: number): Promise<boolean> {
    return this.#store.soften(this.#keys(keys), keepMs)
  }

  async readNotes(names: readonly string[]): Promise<(string | undefined | typeof DAMAGED)[]> {
    const keys = names.map((name) => this.#noteKey(name))
    const found = await this.#store.getMany(keys)
    return found.map((one, at) => one?.value.toString() ?? (this.#store.has(keys[at]!) ? DAMAGED : undefined))
  }

  writeNotes(notes: readonly DiskNote[]): Promise<boolean> {
    return this.#store.setMany(
      notes.map(({ name, text, keepMs }) => ({
        key: this.#noteKey(name),
        value: text,
        lifeMs: keepMs,
        isNote: true,
      })),
    )
  }

  sync(): Promise<boolean> {
    return this.#store.sync()
  }

  usage(): DiskUsage {
    return this.#store.stats()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #key(key: string): string {
    return this.#prefix + key
  }

  #keys(keys: readonly string[]): string[] {
    return keys.map((key) => this.#prefix + key)
  }

  /** A stored key begins with a digit. */
  #noteKey(name: string): string {
    return `${this.#prefix}!${name}`
  }
}
