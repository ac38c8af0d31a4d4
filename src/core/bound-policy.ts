import type {
  DeletedMany,
  DeleteOptions,
  Fillable,
  Filled,
  FillMany,
  ReadOptions,
  Rejecting,
  WriteOptions,
} from './call-requests.js'
import type { Entry, EntryLookup } from './entry.js'
import type { FillContext } from './fill-context.js'
import type { Policy } from './policy.js'
import type { Key } from './ports/local-tier.js'
import type { PatternReply } from './ports/shared-tier.js'
import type { QueuedInvalidation, Receipt } from './receipt.js'
import type { Scope, SetOutcome, StoreOutcome } from './scope.js'

type Fills<K extends Key, V> = Policy<K, V, true>

/**
 * A scope's calls with the policy filled in: `cache.bind(policy).getOrFill(key)`. Each does what the call of the same
 * name does on the scope.
 */
export class BoundPolicy<K extends Key, V, F extends boolean> {
  readonly #scope: Scope
  readonly policy: Policy<K, V, F>

  constructor(scope: Scope, policy: Policy<K, V, F>) {
    this.#scope = scope
    this.policy = policy
  }

  getOrFill(this: BoundPolicy<K, V, true>, key: K, options?: ReadOptions): Promise<V>
  getOrFill<R extends Fillable<V>>(
    key: K,
    fill: (context: FillContext) => R,
    options?: ReadOptions,
  ): Promise<Filled<V, R>>
  getOrFill(key: K, second?: unknown, third?: unknown): Promise<unknown> {
    return this.#scope.getOrFill(this.policy as Fills<K, V>, key, second as never, third as never)
  }

  getOrFillEntry(this: BoundPolicy<K, V, true>, key: K, options?: ReadOptions): Promise<Entry<V>>
  getOrFillEntry<R extends Fillable<V>>(
    key: K,
    fill: (context: FillContext) => R,
    options?: ReadOptions,
  ): Promise<Entry<Filled<V, R>>>
  getOrFillEntry(key: K, second?: unknown, third?: unknown): Promise<unknown> {
    return this.#scope.getOrFillEntry(this.policy as Fills<K, V>, key, second as never, third as never)
  }

  getOrFillMany(this: BoundPolicy<K, V, true>, keys: Iterable<K>, options?: ReadOptions): Promise<Map<K, V | null>>
  getOrFillMany(keys: Iterable<K>, fillMany: FillMany<K, V>, options?: ReadOptions): Promise<Map<K, V | null>>
  getOrFillMany(keys: Iterable<K>, second?: unknown, third?: unknown): Promise<Map<K, V | null>> {
    return this.#scope.getOrFillMany(this.policy as Fills<K, V>, keys, second as never, third as never)
  }

  get(key: K, options?: ReadOptions): Promise<V | undefined> {
    return this.#scope.get(this.policy, key, options)
  }

  getEntry(key: K, options?: ReadOptions): Promise<EntryLookup<V>> {
    return this.#scope.getEntry(this.policy, key, options)
  }

  getMany(keys: Iterable<K>, options?: ReadOptions): Promise<Map<K, V>> {
    return this.#scope.getMany(this.policy, keys, options)
  }

  peek(key: K): V | undefined {
    return this.#scope.peek(this.policy, key)
  }

  refresh(this: BoundPolicy<K, V, true>, key: K, options?: ReadOptions): Promise<V> {
    return this.#scope.refresh(this.policy, key, options)
  }

  set(key: K, value: V, options?: WriteOptions): Promise<StoreOutcome> {
    return this.#scope.set(this.policy, key, value, options)
  }

  setMany(entries: Iterable<readonly [K, V]>, options?: WriteOptions): Promise<Map<K, SetOutcome>> {
    return this.#scope.setMany(this.policy, entries, options)
  }

  delete(key: K, options?: Rejecting<DeleteOptions>): Promise<Receipt>
  delete(key: K, options: DeleteOptions): Promise<Receipt | QueuedInvalidation>
  delete(key: K, options?: DeleteOptions): Promise<Receipt | QueuedInvalidation> {
    return this.#scope.delete(this.policy, key, options as DeleteOptions)
  }

  deleteMany(keys: Iterable<K>, options?: DeleteOptions): Promise<DeletedMany<K>> {
    return this.#scope.deleteMany(this.policy, keys, options)
  }

  invalidatePattern(glob: string, options?: { signal?: AbortSignal | undefined }): Promise<PatternReply> {
    return this.#scope.invalidatePattern(this.policy, glob, options)
  }
}
