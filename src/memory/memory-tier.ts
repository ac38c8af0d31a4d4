import type {
  EvictionName,
  Key,
  LocalEntry,
  LocalTierContext,
  LocalUsage,
  MemoryDetails,
  MemoryTier,
  MemoryTierDefinition,
  SpaceView,
} from '../core/ports/local-tier.js'
import { EntryStore } from './entry-store.js'
import { estimateBytes, textBytes } from './estimate-bytes.js'
import { ExpirySweep } from './expiry-sweep.js'
import {
  askEstimator,
  checkEviction,
  checkMemoryOptions,
  type MemoryRules,
  type MemoryTierOptions,
} from './memory-options.js'
import { MemoryPressure, type PressureFinding } from './memory-pressure.js'
import { processReadings } from './memory-readings.js'
import { clone, own } from './own-value.js'
import { Room } from './room.js'

/** Entries beyond the room under pressure that leave with each new one, and with each step of the sweep. */
const LEAVERS_A_SET = 32
const LEAVERS_A_STEP = 4_096

export type { MemoryTierOptions, ValueMode } from './memory-options.js'

/**
 * The first tier: values in this process's memory, answered synchronously.
 *
 * ```ts
 * const cache = createCache({ tiers: [memoryTier({ maxBytes: '64mb' })] })
 * ```
 */
export function memoryTier(options: MemoryTierOptions = {}): MemoryTierDefinition {
  const rules = checkMemoryOptions(options)
  return Object.freeze({
    kind: 'local',
    name: 'memory',
    open: (context: LocalTierContext) => new RunningMemoryTier(rules, context),
  })
}

/** An open memory tier. Internal: `memoryTier` is the door, this class is for tests and benches. */
export class RunningMemoryTier implements MemoryTier {
  readonly kind = 'local'
  readonly name = 'memory'
  readonly #rules: MemoryRules
  readonly #context: LocalTierContext
  readonly #isCloned: boolean
  /** Values are kept as they are given. */
  readonly #isShared: boolean
  readonly #isSized: boolean
  /** Sizes are kept, or asked because there is a largest one. */
  readonly #isWeighed: boolean
  readonly #sweep: ExpirySweep
  readonly #store: EntryStore
  readonly #room: Room
  readonly #pressure: MemoryPressure | undefined
  #shrinks = 0
  /** Spaces of entries that were evicted and not told yet. */
  readonly #evicted: SpaceView[] = []
  /** False while the eviction need not be told of reads. */
  #countsUses = true
  #isClosed = false

  constructor(rules: MemoryRules, context: LocalTierContext) {
    this.#rules = rules
    this.#context = context
    this.#isCloned = rules.values === 'cloned'
    this.#isShared = rules.values === 'reference'
    this.#isSized = rules.maxBytes !== Infinity
    this.#isWeighed = this.#isSized || rules.maxEntryBytes !== Infinity
    this.#room = new Room(rules)
    this.#store = new EntryStore({
      isSized: this.#isSized,
      expected: this.#room.maxEntries,
      eviction: rules.eviction,
      quotas: rules.quotas,
      room: this.#isSized ? rules.maxBytes : this.#room.maxEntries,
      random: context.random,
    })
    const { pressure } = rules
    if (pressure !== false) this.#pressure = new MemoryPressure(pressure === true ? processReadings() : pressure)
    this.#sweep = new ExpirySweep(context.clock, this)
  }

  // Kept small, with everything that happens seldom elsewhere: so V8 inlines it, and what it calls, into its callers.
  // Flags are compared with `true`: V8 doesn't know that a field is boolean, and asks for every kind of truth.
  getFresh(space: SpaceView, key: Key, nowMs: number): unknown {
    if (typeof key === 'string') {
      const { hot } = this.#store
      const value = hot.isResting === true ? undefined : hot.read(space.id, key, space.namespace.sequence, nowMs)
      if (value !== undefined) return this.#countsUses === true || this.#isCloned === true ? this.#noted(value) : value
    }
    return this.#lookUp(space, key, nowMs)
  }

  /** A hot value where reads are counted or values cloned. */
  #noted(value: unknown): unknown {
    if (this.#countsUses === true) this.#store.eviction.used(this.#store.hot.answered())
    return this.#isCloned === true ? clone(value) : value
  }

  #lookUp(space: SpaceView, key: Key, nowMs: number): unknown {
    const store = this.#store
    if (typeof key !== 'string') return this.#fresh(space, store.findInteger(space.id, key), nowMs)
    const slot = store.findText(space.id, key)
    const value = this.#fresh(space, slot, nowMs)
    if (store.hot.passed(this.#countsUses) && value !== undefined) store.noteHot(slot)
    return value
  }

  #fresh(space: SpaceView, slot: number, nowMs: number): unknown {
    const store = this.#store
    if (slot === 0) return undefined
    if (!store.isFresh(slot, space.namespace.sequence, nowMs) && this.#settle(slot, nowMs) !== 'fresh') return undefined
    if (this.#countsUses === true) store.eviction.used(slot)
    const value = store.slots.value(slot)
    return this.#isCloned === true ? clone(value) : value
  }

  getEntry(space: SpaceView, key: Key, nowMs: number): LocalEntry | undefined {
    const store = this.#store
    const slot = store.find(space.id, key)
    if (slot === 0) return undefined
    if (!store.isFresh(slot, space.namespace.sequence, nowMs) && this.#settle(slot, nowMs) === 'gone') return undefined
    store.eviction.used(slot)
    const entry = store.entry(slot)
    return this.#isCloned ? { ...entry, value: clone(entry.value) } : entry
  }

  look(space: SpaceView, key: Key): LocalEntry | undefined {
    const slot = this.#store.find(space.id, key)
    return slot === 0 ? undefined : this.#store.entry(slot)
  }

  set(space: SpaceView, key: Key, entry: LocalEntry): boolean {
    if (this.#isClosed === true) return false
    if (this.#isWeighed === true) return this.#setWeighed(space, key, entry)
    const kept = this.#isShared === true ? entry : this.#owned(entry)
    const store = this.#store
    const slot = store.findAgain(space.id, key)
    if (slot !== 0) store.replace(slot, space, kept, 0)
    else if (store.slots.count === this.#room.entries) this.#displace(space, key, kept, 0)
    else this.#add(space, key, kept, 0)
    return true
  }

  /** As `set`, where sizes count. */
  #setWeighed(space: SpaceView, key: Key, entry: LocalEntry): boolean {
    const bytes = this.#bytes(key, entry)
    const kept = this.#isShared ? entry : this.#owned(entry)
    if (bytes > this.#rules.maxEntryBytes) {
      this.#context.onRemoved(space, 'refused')
      return false
    }
    const store = this.#store
    const slot = store.findAgain(space.id, key)
    if (slot !== 0 && store.bytes + bytes - store.slots.bytes(slot) <= this.#rules.maxBytes) {
      store.replace(slot, space, kept, bytes)
      return true
    }
    if (slot !== 0) {
      // It grew and others must make room: it is a new entry, so that it isn't the one to leave.
      store.remove(slot)
      store.find(space.id, key)
    }
    const isFull = store.slots.count === this.#room.entries || store.bytes + bytes > this.#room.bytes
    if (isFull && store.slots.count > 0) this.#displace(space, key, kept, bytes)
    else this.#add(space, key, kept, bytes)
    return true
  }

  /** A new entry where there is room, or as many must leave as it takes. */
  #add(space: SpaceView, key: Key, kept: LocalEntry, bytes: number): void {
    const store = this.#store
    this.#makeRoom(bytes, space)
    store.add(space, key, kept, bytes)
    this.#countsUses = !store.restsWhileRoomy || !this.#isRoomy()
    this.#sweep.wake()
    this.#lookAtPressure()
    this.#tellEvicted()
  }

  /** A new entry instead of the next one to leave: what a full tier does all day. */
  #displace(space: SpaceView, key: Key, kept: LocalEntry, bytes: number): void {
    const store = this.#store
    const slot = store.eviction.victim(this.#isSized === true ? bytes : 1, space)
    const left = store.groups.space(store.slots.group(slot))
    if (this.#isSized === true && store.bytes - store.slots.bytes(slot) + bytes > this.#room.bytes) {
      // It leaves too little room: more must go.
      this.#evicted.push(left)
      store.remove(slot)
      this.#add(space, key, kept, bytes)
      return
    }
    store.displace(slot, space, key, kept, bytes)
    this.#countsUses = true
    this.#lookAtPressure()
    this.#context.onRemoved(left, 'evicted')
  }

  #lookAtPressure(): void {
    if (this.#pressure?.isDue()) this.#obey(this.#pressure.afterStores(this.#context.clock.now()))
  }

  another(value: unknown): unknown {
    return this.#isCloned ? clone(value) : value
  }

  delete(space: SpaceView, key: Key): boolean {
    const slot = this.#store.find(space.id, key)
    if (slot === 0) return false
    this.#store.remove(slot)
    return true
  }

  expire(space: SpaceView, key: Key, nowMs: number, sinceMs = nowMs): void {
    const store = this.#store
    const slot = store.find(space.id, key)
    if (slot === 0) return
    const group = store.slots.group(slot)
    const standing = store.groups.judge(group)
    // It may be stale by a tag already, and nobody has looked since.
    if (standing === 'dead') store.remove(slot)
    else
      this.#makeStale(slot, standing === 'stale' ? Math.min(sinceMs, store.groups.softenedAtMs(group)) : sinceMs, nowMs)
  }

  clear(): void {
    this.#sweep.stop()
    this.#store.clear()
  }

  usage(): LocalUsage {
    const { maxEntries, maxBytes } = this.#rules
    return { entries: this.#store.slots.count, bytes: this.#store.bytes, maxEntries, maxBytes }
  }

  close(): void {
    this.#isClosed = true
    this.clear()
  }

  /** All entries stay; the new eviction begins with the order of the old one. A walk over all of them. */
  useEviction(name: EvictionName): void {
    this.#store.useEviction(checkEviction(name, 'useEviction: name'))
    this.#countsUses = true
  }

  details(): MemoryDetails {
    const { entries, bytes, isShrunk } = this.#room
    return {
      eviction: this.#store.evictionName,
      pressure: { isShrunk, shrinks: this.#shrinks, maxEntries: entries, maxBytes: bytes },
      tenants: this.#store.quotas?.usage(this.#isSized),
    }
  }

  /** Checks the structure, and throws at the first thing that doesn't hold. For tests. */
  validate(): void {
    this.#store.validate()
    const { entries, bytes, maxEntries, maxBytes } = this.usage()
    if (entries > maxEntries) throw new Error(`${entries} entries are held, ${maxEntries} allowed`)
    if (bytes > maxBytes) throw new Error(`${bytes} bytes are held, ${maxBytes} allowed`)
  }

  /** Whether something is held, whatever its state. Not a use. For tests. */
  has(space: SpaceView, key: Key): boolean {
    return this.#store.find(space.id, key) !== 0
  }

  get top(): number {
    return this.#store.slots.top
  }

  get count(): number {
    return this.#store.slots.count
  }

  sweep(slot: number, nowMs: number): void {
    const store = this.#store
    if (!store.slots.isLive(slot) || store.isFresh(slot, store.sequence(slot), nowMs)) return
    this.#settle(slot, nowMs)
  }

  stepped(nowMs: number): void {
    this.#obey(this.#pressure?.atPulse(nowMs, this.#room.isShrunk))
    for (let leavers = 0; leavers < LEAVERS_A_STEP && this.#isBeyondRoom(); leavers++) this.#evictOne(0, undefined)
    this.#tellEvicted()
  }

  /** Looks closer at an entry that isn't fresh and current at first sight. It leaves if it is dead or its time is over. */
  #settle(slot: number, nowMs: number): 'fresh' | 'stale' | 'gone' {
    const store = this.#store
    const group = store.slots.group(slot)
    const standing = store.groups.judge(group)
    if (standing === 'dead') {
      store.remove(slot)
      return 'gone'
    }
    if (standing === 'stale') return this.#makeStale(slot, store.groups.softenedAtMs(group), nowMs)
    const freshUntilMs = store.freshUntilMs(slot)
    if (nowMs < freshUntilMs) return 'fresh'
    if (nowMs < freshUntilMs + store.groups.staleMs(group)) return 'stale'
    const space = store.groups.space(group)
    store.remove(slot)
    this.#context.onRemoved(space, 'expired')
    return 'gone'
  }

  /** The end of an entry's freshness, and of the entry if it keeps no stale window. */
  #makeStale(slot: number, sinceMs: number, nowMs: number): 'stale' | 'gone' {
    const store = this.#store
    const freshUntilMs = Math.min(store.freshUntilMs(slot), sinceMs, nowMs)
    if (nowMs < freshUntilMs + store.groups.staleMs(store.slots.group(slot))) {
      store.regroup(slot, freshUntilMs)
      return 'stale'
    }
    store.remove(slot)
    return 'gone'
  }

  /** Less than half of the room is taken. */
  #isRoomy(): boolean {
    const { slots, bytes } = this.#store
    return slots.count * 2 < this.#room.entries && bytes * 2 < this.#room.bytes
  }

  /** Room for an entry within the bounds, and a step towards the room that memory pressure leaves. */
  #makeRoom(bytes: number, space: SpaceView): void {
    const store = this.#store
    const { maxEntries, maxBytes } = this.#room
    while (store.slots.count >= maxEntries || (store.bytes + bytes > maxBytes && store.slots.count > 0)) {
      this.#evictOne(bytes, space)
    }
    for (let leavers = 0; leavers < LEAVERS_A_SET && this.#isBeyondRoom(); leavers++) this.#evictOne(bytes, space)
  }

  #isBeyondRoom(): boolean {
    const { slots, bytes } = this.#store
    return this.#room.isShrunk && slots.count > 0 && (slots.count >= this.#room.entries || bytes > this.#room.bytes)
  }

  #evictOne(bytes: number, space: SpaceView | undefined): void {
    const store = this.#store
    const slot = store.eviction.victim(this.#isSized ? bytes : 1, space)
    this.#evicted.push(store.groups.space(store.slots.group(slot)))
    store.remove(slot)
  }

  /** Called when everything is in its place: whoever is told may call the cache again. */
  #tellEvicted(): void {
    while (this.#evicted.length > 0) this.#context.onRemoved(this.#evicted.pop()!, 'evicted')
  }

  #obey(finding: PressureFinding | undefined): void {
    if (finding === undefined) return
    const room = this.#room
    if (finding.advice === 'shrink') {
      if (!room.shrink({ entries: this.#store.slots.count, bytes: this.#store.bytes })) return
      this.#shrinks++
    } else room.grow()
    this.#store.resize(this.#isSized ? room.bytes : room.entries)
    this.#countsUses = true
    const { advice, ...reading } = finding
    const { entries: maxEntries, bytes: maxBytes } = room
    const state = advice === 'shrink' ? 'shrunk' : room.isShrunk ? 'grown' : 'relieved'
    this.#context.onPressure?.({ state, ...reading, maxEntries, maxBytes })
  }

  /** An entry whose value nobody else can change. */
  #owned(entry: LocalEntry): LocalEntry {
    const value = own(entry.value, this.#rules.values)
    return value === entry.value ? entry : { ...entry, value }
  }

  #bytes(key: Key, entry: LocalEntry): number {
    const { estimateBytes: estimate } = this.#rules
    const ofValue = entry.bytes ?? (estimate ? askEstimator(estimate, entry.value) : estimateBytes(entry.value))
    return Math.ceil(ofValue) + (typeof key === 'string' ? textBytes(key) : 0) + this.#store.overheadBytes
  }
}
