import { CacheCore, type CloseReport } from './cache-core.js'
import { type CacheOptions, checkBound, checkCacheOptions } from './cache-options.js'
import { Coordinator } from './coordinator.js'
import { DiskSide } from './disk-side.js'
import { type CacheEvent, type CacheEventType, Events } from './events.js'
import { FillRunner } from './fill.js'
import { FlightJoins } from './flight-joins.js'
import { FreezeAwareClock } from './freeze-aware-clock.js'
import { admit } from './inside.js'
import { Invalidator } from './invalidate.js'
import { InvalidationQueue } from './invalidation-queue.js'
import { LeaseFill } from './lease-fill.js'
import { LocalStore } from './local-store.js'
import { LogSync } from './log-sync.js'
import { MemoryReader } from './memory-reader.js'
import { checkTenant, Namespaces } from './namespaces.js'
import { checkFields } from './options.js'
import type { CacheParts, LocalParts } from './parts.js'
import { pingTiers, type TierPing } from './ping.js'
import type { Policy } from './policy.js'
import type { DiskTierDefinition, DiskTrouble } from './ports/disk-tier.js'
import type {
  EvictionName,
  Key,
  MemoryTierDefinition,
  PressureChange,
  RemovalReason,
  SpaceView,
} from './ports/local-tier.js'
import type { SharedTier } from './ports/shared-tier.js'
import { type PurgeOptions, type PurgeReceipt, purgeTenant } from './purge.js'
import { parseMs } from './quantity.js'
import { Reader, type SharedSide } from './read.js'
import { ReadEvents } from './read-events.js'
import { ManyReader } from './read-many.js'
import { RecentLoads } from './recent-loads.js'
import { Scope } from './scope.js'
import { ServerTime } from './server-time.js'
import { SharedReader } from './shared-reader.js'
import { SoloFill } from './solo-fill.js'
import type { Space } from './space.js'
import { type CacheStats, TierCounters, takeStats } from './stats.js'
import { toldTier } from './told-tier.js'
import { Work } from './work.js'
import { Writer } from './write.js'

/** What can be changed of a memory tier while it runs. */
export interface MemoryControl {
  /**
   * Another eviction from now on. Every entry stays, and the new one begins with the order of the old one. Walks over
   * all entries at once: from a third of a second at a million.
   *
   * @throws InvalidOptionError for a name that is none.
   */
  useEviction(name: EvictionName): void
}

/** A cache: the calls of `Scope` outside any tenant, and what belongs to the whole. */
export interface Cache extends Scope, AsyncDisposable {
  /**
   * The same calls in a tenant's own namespace: keys, tags and `clear` of one tenant never touch another.
   *
   * @throws InvalidOptionError `INVALID_TENANT`: 1 to 128 characters, no control characters.
   */
  tenant(id: string): Scope
  /** Undefined for a cache without a memory tier. */
  readonly memory: MemoryControl | undefined
  /** Counts since the cache was made. */
  stats(): CacheStats
  /** The policies met so far, in that order; their `rules` are in milliseconds. */
  policies(): readonly Policy<Key>[]
  /**
   * Asks every tier for a sign of life, for health checks: no key is touched, nothing is counted. Answers within
   * `deadlineMs` (default 1000) whatever a tier does.
   *
   * @throws CacheError `CACHE_CLOSED`
   */
  ping(options?: { deadlineMs?: number }): Promise<readonly TierPing[]>
  /**
   * For a tenant that leaves: invalidates everything of it, in every process, and then takes its room in the shared tier
   * back, gently. It walks over the whole keyspace of the servers in steps, so it takes a while beside many keys; it can
   * be stopped and resumed.
   *
   * ```ts
   * const { deleted, isDone } = await cache.purge('org-7', { keysPerSecond: 2_000 })
   * ```
   *
   * @throws InvalidOptionError; CacheError `SHARED_TIER_FAILED`, `SHARED_TIER_TIMEOUT`: repeat it, that is safe;
   * `CACHE_CLOSED`
   */
  purge(tenant: string, options?: PurgeOptions): Promise<PurgeReceipt>
  /** Calls `listener` for every event of a type, or of all with `'*'`. Returns the function that ends it. */
  on<T extends CacheEventType>(type: T, listener: (event: Extract<CacheEvent, { type: T }>) => void): () => void
  on(type: '*', listener: (event: CacheEvent) => void): () => void
  /**
   * Refuses new calls, lets what is under way end for `graceMs` (default 5000), then aborts it, and releases what the
   * cache itself opened. A second call gets the same promise.
   */
  close(options?: { graceMs?: number }): Promise<CloseReport>
}

const DEFAULT_PING_MS = 1_000
/**
 * Makes a cache. With nothing but a ttl: memory only, 64 MB.
 *
 * ```ts
 * const cache = createCache({ ttl: '60s' })
 * const user = await cache.getOrFill('user:1', () => db.user(1))
 * ```
 *
 * `defaultMemory` makes the tier that is used when none is named; the package's main door brings it.
 *
 * @throws InvalidOptionError naming the field, the value and the rule.
 */
export function createCacheWith(defaultMemory: () => MemoryTierDefinition, options: CacheOptions): Cache {
  const rules = checkCacheOptions(options, defaultMemory)
  const { name, random, memoryTier, diskTier, sharedTier, maxStalenessMs, outageMaxStaleMs, defaultPolicy } = rules

  const events = new Events()
  const tiers = new TierCounters()
  const opened = sharedTier?.open({ cacheName: name, clock: rules.clock, random })
  // Nothing but the age of what it holds tells a thawed process that it was away.
  const clock = opened ? new FreezeAwareClock(rules.clock) : rules.clock
  const shared = opened && toldTier(opened, { clock, events })
  const time = new ServerTime(() => clock.coarseNow())
  const namespaces = new Namespaces(clock, shared && { tier: shared, time })
  try {
    if (shared) checkBound(rules, shared.pollMs * 2 + shared.commandTimeoutMs)
    for (const policy of rules.policies) namespaces.register(policy)
  } catch (error) {
    shared?.close().catch(() => {})
    throw error
  }
  const onRemoved = (space: SpaceView, reason: RemovalReason): void => {
    tiers.removed[reason]++
    if (!events.hears('removed')) return
    // Memory knows a space by its view; it is one of ours.
    const { policy, namespace } = space as Space
    events.emit({ type: 'removed', policy: policy.name, tenant: namespace.tenant, reason })
  }
  const onPressure = (change: PressureChange): void => {
    if (events.hears('memory-pressure')) events.emit({ type: 'memory-pressure', ...change })
  }
  const work = new Work()
  const disk = diskTier && openDisk(diskTier, { name, clock, random, events, work, shared })
  const memory = memoryTier?.open({ cacheName: name, clock, random, onRemoved, onPressure })
  const fills = new FillRunner({ clock, random, events })
  const local: LocalParts = {
    name,
    sender: random.shortId(),
    clock,
    random,
    events,
    fills,
    tiers,
    work,
    memory,
    disk,
    shared,
  }

  const recent = shared && new RecentLoads(Math.max(maxStalenessMs, outageMaxStaleMs))
  const store = new LocalStore(local, recent)
  const invalidator = new Invalidator(local, namespaces, store)
  const writer = new Writer(local, { store, invalidator })
  const solo = new SoloFill(local, store)
  const sync =
    shared &&
    new LogSync(shared, maxStalenessMs, {
      clock,
      events,
      keeper: disk,
      time,
      listener: {
        apply: (entry, heard) => invalidator.apply(entry, heard),
        acknowledged: (shard, anchor) => invalidator.acknowledged(shard, anchor),
        discontinuity: (shard, cause) => queue!.repair(invalidator.discontinuity(shard, cause)),
      },
    })
  const parts: CacheParts = { ...local, sync, outageMaxStaleMs }
  const queue =
    sync &&
    new InvalidationQueue({
      clock,
      events,
      sync,
      retryMs: shared!.pollMs,
      deliver: (invalidation) => invalidator.invalidate(invalidation),
      endEpoch: ({ id }, epoch) => shared!.endEpoch(id, epoch),
    })
  const side = shared && openSharedSide(parts, shared, { store, solo, queue: queue! })
  const told = new ReadEvents(events)
  const joins = new FlightJoins(parts, { events: told, coordinator: side?.coordinator })
  const reading = { held: new MemoryReader(parts, recent), joins, events: told, solo, shared: side }
  const reader = new Reader(parts, { ...reading, store })
  const many = new ManyReader(parts, { ...reading, reader })
  const core = new CacheCore({
    parts,
    namespaces,
    reader,
    many,
    writer,
    invalidator,
    queue,
    defaultPolicy,
  })

  const close = (closing?: { graceMs?: number }): Promise<CloseReport> => core.close(closing)
  const cache = Object.assign(new Scope(core, ''), {
    tenant: (id: string) => {
      core.checkOpen()
      return new Scope(core, checkTenant(id))
    },
    memory: memory && {
      useEviction: (eviction: EvictionName) => {
        core.checkOpen()
        memory.useEviction(eviction)
      },
    },
    stats: () =>
      takeStats(parts, {
        policies: namespaces.policies,
        invalidations: core.invalidations,
        queuedInvalidations: queue?.size ?? 0,
        tenants: namespaces.size,
        maxStalenessMs,
      }),
    policies: () => [...namespaces.policies].map(({ policy }) => policy as Policy<Key>),
    ping: async (asked: { deadlineMs?: number } = {}) => {
      core.checkOpen()
      const { deadlineMs } = checkFields(asked, ['deadlineMs'], 'ping')
      return pingTiers(parts, deadlineMs === undefined ? DEFAULT_PING_MS : parseMs(deadlineMs, 'ping.deadlineMs'))
    },
    purge: async (tenant: string, asked?: PurgeOptions) => {
      const checkOpen = (): void => core.checkOpen()
      checkOpen()
      return purgeTenant({ scope: new Scope(core, checkTenant(tenant)), shared, clock, checkOpen }, asked)
    },
    on: (type: CacheEventType | '*', listener: (event: never) => void) =>
      events.on(type, listener as (event: CacheEvent) => void),
    close,
    [Symbol.asyncDispose]: async () => {
      await close()
    },
  })
  admit(cache, { hits: events.hits, shared, maxStalenessMs, policies: () => namespaces.policies })
  return cache
}

function openDisk(
  definition: DiskTierDefinition,
  parts: Pick<LocalParts, 'name' | 'clock' | 'random' | 'events' | 'work' | 'shared'>,
): DiskSide {
  const { clock, random, events, shared } = parts
  const tell = (trouble: DiskTrouble): void => {
    if (trouble.kind === 'failed') {
      const { operation, error } = trouble
      if (events.hears('tier-failed')) events.emit({ type: 'tier-failed', tier: definition.name, operation, error })
    } else if (trouble.kind === 'breaker') {
      const { part, state } = trouble
      if (events.hears('breaker')) events.emit({ type: 'breaker', tier: definition.name, part, state })
    } else if (events.hears('damaged')) {
      events.emit({ type: 'damaged', tier: definition.name, records: trouble.records })
    }
  }
  try {
    return new DiskSide(definition.open({ cacheName: parts.name, clock, random, onTrouble: tell }), parts)
  } catch (error) {
    shared?.close().catch(() => {})
    throw error
  }
}

function openSharedSide(
  parts: CacheParts,
  shared: SharedTier,
  { store, solo, queue }: { store: LocalStore; solo: SoloFill; queue: InvalidationQueue },
): SharedSide & { lease: LeaseFill } {
  const reader = new SharedReader(parts, shared, queue)
  const lease = new LeaseFill(parts, shared, { reader, store, solo })
  return { reader, lease, coordinator: new Coordinator(parts, shared, { reader, store, solo, lease }) }
}
