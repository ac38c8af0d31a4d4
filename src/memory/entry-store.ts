import type { EvictionName, Key, LocalEntry, SpaceView } from '../core/ports/local-tier.js'
import type { Random } from '../core/ports/random.js'
import { EVICTIONS } from './evictions/create-eviction.js'
import type { Eviction } from './evictions/eviction.js'
import { Groups, ROW } from './groups.js'
import { HotEntries } from './hot-entries.js'
import { KeyHash } from './key-hash.js'
import { KeyIndex } from './key-index.js'
import type { QuotaRules } from './quota-options.js'
import { LAYOUT, Slots } from './slots.js'
import { TenantQuotas } from './tenant-quotas.js'
import { validateStore } from './validate-store.js'

const { HASH, GROUP, GROUP_MASK, FLAGS_MASK, FLAGS_SHIFT, FRESH, STORED, CHUNK_BITS, CHUNK_MASK } = LAYOUT
const EVICTION_FLAGS = FLAGS_MASK << FLAGS_SHIFT
const { SEEN, FRESH_BASE, STORED_BASE, STRIDE: ROW_STRIDE } = ROW

/** Bytes of an entry beside its record: key and value references, and its share of the index. */
const PAIR_AND_CELL_BYTES = 23

export interface EntryStoreOptions {
  /** Keep entries' sizes. */
  isSized: boolean
  /** The most entries there will be. */
  expected: number
  eviction: EvictionName
  /** Undefined: tenants share the room as they come. */
  quotas: QuotaRules | undefined
  /** What may be held, in bytes where sizes are kept, else in entries: quotas are shares of it. */
  room: number
  random: Random
}

/** Keeps slots, index, groups and eviction in step: each change of an entry goes through one of its methods. */
export class EntryStore {
  readonly #options: EntryStoreOptions
  readonly #isSized: boolean
  readonly #hash: KeyHash
  hot: HotEntries
  slots: Slots
  groups: Groups
  index: KeyIndex
  eviction: Eviction
  /** The eviction, if there are quotas. */
  quotas: TenantQuotas | undefined
  #room: number
  /** Sum of the entries' sizes; 0 where they aren't kept. */
  bytes = 0
  /** What the structure takes for an entry, beside key and value. */
  overheadBytes: number
  evictionName: EvictionName
  /** The eviction need not be told of reads while there is plenty of room. */
  restsWhileRoomy: boolean
  #missedKey: Key | undefined
  #missedSpaceId = 0
  #missedHash = 0

  constructor(options: EntryStoreOptions) {
    this.#options = options
    this.#isSized = options.isSized
    this.#hash = new KeyHash(options.random)
    this.evictionName = options.eviction
    this.#room = options.room
    this.slots = this.#newSlots()
    this.groups = new Groups()
    this.index = new KeyIndex(this.slots, this.groups, options.expected)
    this.hot = new HotEntries(() => this.slots.sampleKeys())
    this.eviction = this.#newEviction()
    this.restsWhileRoomy = EVICTIONS[options.eviction].restsWhileRoomy === true
    this.overheadBytes = overheadOf(this.slots, options.eviction)
  }

  findText(spaceId: number, key: string): number {
    const hash = this.#hash.ofText(spaceId, key)
    const slot = this.index.findText(spaceId, key, hash)
    if (slot === 0) this.#miss(spaceId, key, hash)
    return slot
  }

  findInteger(spaceId: number, key: number): number {
    const hash = this.#hash.ofInteger(spaceId, key)
    const slot = this.index.findInteger(spaceId, key, hash)
    if (slot === 0) this.#miss(spaceId, key, hash)
    return slot
  }

  find(spaceId: number, key: Key): number {
    return typeof key === 'string' ? this.findText(spaceId, key) : this.findInteger(spaceId, key)
  }

  /** As `find`, but knows at once if the latest look-up was for this key, in vain, and nothing was added since. */
  findAgain(spaceId: number, key: Key): number {
    return this.#missedKey === key && this.#missedSpaceId === spaceId ? 0 : this.find(spaceId, key)
  }

  hash(spaceId: number, key: Key): number {
    return this.#hash.of(spaceId, key)
  }

  /** Fresh, and judged at this sequence. False means: look closer. */
  isFresh(slot: number, sequence: number, nowMs: number): boolean {
    const { stride, records } = this.slots
    const { rows } = this.groups
    const record = slot * stride
    const row = (records[record + GROUP]! & GROUP_MASK) * ROW_STRIDE
    return rows[row + SEEN] === sequence && nowMs < rows[row + FRESH_BASE]! + (records[record + FRESH]! >>> 0)
  }

  freshUntilMs(slot: number): number {
    return this.groups.freshBase(this.slots.group(slot)) + this.slots.fresh(slot)
  }

  /** The present sequence of the namespace that an entry belongs to. */
  sequence(slot: number): number {
    return this.groups.space(this.slots.group(slot)).namespace.sequence
  }

  entry(slot: number): LocalEntry {
    const { slots, groups } = this
    const group = slots.group(slot)
    const tags = groups.tags(group)
    return {
      value: slots.value(slot),
      freshUntilMs: this.freshUntilMs(slot),
      staleMs: groups.staleMs(group),
      storedAtMs: groups.storedBase(group) + slots.stored(slot),
      seen: groups.seen(group),
      tags: tags.length === 0 ? undefined : tags,
      bytes: undefined,
    }
  }

  /** A new entry of the key that was just looked up in vain. There must be room. */
  add(space: SpaceView, key: Key, entry: LocalEntry, bytes: number): void {
    const { slots } = this
    const hash = this.#missedHash
    this.#missedKey = undefined
    const slot = slots.take(key, entry.value, hash)
    if (typeof key === 'string') this.hot.ensureRoom(slots.count)
    this.#settle(slot, this.groups.join(space, entry), entry)
    if (this.#isSized) this.#resize(slot, bytes)
    this.index.insert(slot, hash)
    this.eviction.added(slot)
  }

  /**
   * `remove` and `add` in one: a new entry in the slot of one that leaves. What a full tier does with each new entry, so
   * it is lean: a slot that is used again, and most often a group, need no counting.
   */
  // Five parameters: an object for the last ones would be built for each call.
  displace(slot: number, space: SpaceView, key: Key, entry: LocalEntry, bytes: number): void {
    const { slots, groups } = this
    const { records } = slots
    const record = slot * slots.stride
    const hash = this.#missedHash
    this.#missedKey = undefined
    if (records[record + GROUP]! < 0) this.#forgetHot(slot)
    this.eviction.displaced(slot, hash, space)
    this.index.exchange(slot, records[record + HASH]!, hash)
    const word = records[record + GROUP]!
    const group = groups.change(word & GROUP_MASK, space, entry)
    const row = group * ROW_STRIDE
    records[record + HASH] = hash
    records[record + GROUP] = (word & EVICTION_FLAGS) | group
    records[record + FRESH] = entry.freshUntilMs - groups.rows[row + FRESH_BASE]!
    records[record + STORED] = entry.storedAtMs - groups.rows[row + STORED_BASE]!
    const pairs = slots.pairs[slot >>> CHUNK_BITS]!
    const pair = (slot & CHUNK_MASK) << 1
    pairs[pair] = key
    pairs[pair + 1] = entry.value
    if (this.#isSized === true) this.#reweigh(slot, bytes)
  }

  /** Another value, time and size for an entry. Counts as a use. */
  replace(slot: number, space: SpaceView, entry: LocalEntry, bytes: number): void {
    const left = this.slots.group(slot)
    this.#forgetHot(slot)
    this.slots.setValue(slot, entry.value)
    this.#settle(slot, this.groups.change(left, space, entry), entry)
    if (this.#isSized) this.#reweigh(slot, bytes)
    this.eviction.used(slot)
  }

  /** Another time for an entry, and whatever happened up to now counts as seen. */
  regroup(slot: number, freshUntilMs: number): void {
    const left = this.slots.group(slot)
    this.#forgetHot(slot)
    const space = this.groups.space(left)
    const entry = { ...this.entry(slot), freshUntilMs, seen: space.namespace.sequence }
    this.slots.setValue(slot, entry.value)
    this.#settle(slot, this.groups.change(left, space, entry), entry)
  }

  remove(slot: number): void {
    const { slots } = this
    this.#forgetHot(slot)
    this.eviction.removed(slot)
    this.index.remove(slot, slots.hash(slot))
    this.groups.leave(slots.group(slot))
    this.bytes -= slots.bytes(slot)
    slots.release(slot)
  }

  clear(): void {
    this.bytes = 0
    this.hot = new HotEntries(() => this.slots.sampleKeys())
    this.groups = new Groups()
    this.slots = this.#newSlots()
    this.index = new KeyIndex(this.slots, this.groups, this.#options.expected)
    this.eviction = this.#newEviction()
  }

  /** Another eviction from now on, which begins with the order of the old one. Entries stay in their slots. */
  useEviction(name: EvictionName): void {
    const order = new Int32Array(this.slots.count)
    let next = 0
    for (const slot of this.eviction.order()) order[next++] = slot
    const kind = EVICTIONS[name]
    this.slots.relayout(kind.words)
    const eviction = kind.create(this.slots, this.#options.random)
    for (const slot of order) eviction.added(slot)
    if (this.quotas) this.quotas.useInner(eviction)
    else this.eviction = eviction
    this.overheadBytes = overheadOf(this.slots, name)
    this.evictionName = name
    this.restsWhileRoomy = kind.restsWhileRoomy === true
  }

  /** Quotas are shares of this from now on. */
  resize(room: number): void {
    this.#room = room
    this.quotas?.resize(room)
  }

  validate(): void {
    validateStore(this)
  }

  /** An entry that was just read and judged, to be found quicker next time. */
  noteHot(slot: number): void {
    const { slots, groups } = this
    const group = slots.group(slot)
    slots.setHot(slot)
    this.hot.note({
      spaceId: groups.spaceId(group),
      key: slots.key(slot) as string,
      value: slots.value(slot),
      slot,
      sequence: groups.seen(group),
      freshUntilMs: this.freshUntilMs(slot),
    })
  }

  #newSlots(): Slots {
    const { isSized, expected, quotas } = this.#options
    const { words } = EVICTIONS[this.evictionName]
    return new Slots({ isSized, isByTenant: quotas !== undefined, expected, evictionWords: words })
  }

  #newEviction(): Eviction {
    const { random, quotas } = this.#options
    const inner = EVICTIONS[this.evictionName].create(this.slots, random)
    this.quotas = quotas && new TenantQuotas(inner, this, quotas, this.#room)
    return this.quotas ?? inner
  }

  #miss(spaceId: number, key: Key, hash: number): void {
    this.#missedKey = key
    this.#missedSpaceId = spaceId
    this.#missedHash = hash
  }

  #forgetHot(slot: number): void {
    const { slots } = this
    if (slots.isHot(slot)) this.hot.forget(this.groups.spaceId(slots.group(slot)), slots.key(slot) as string, slot)
  }

  #settle(slot: number, group: number, entry: LocalEntry): void {
    const { stride, records } = this.slots
    const record = slot * stride
    records[record + GROUP] = (records[record + GROUP]! & ~GROUP_MASK) | group
    records[record + FRESH] = entry.freshUntilMs - this.groups.freshBase(group)
    records[record + STORED] = entry.storedAtMs - this.groups.storedBase(group)
  }

  #reweigh(slot: number, bytes: number): void {
    this.eviction.reweighed(slot, bytes - this.slots.bytes(slot))
    this.#resize(slot, bytes)
  }

  #resize(slot: number, bytes: number): void {
    this.bytes += bytes - this.slots.bytes(slot)
    this.slots.setBytes(slot, bytes)
  }
}

function overheadOf(slots: Slots, eviction: EvictionName): number {
  return PAIR_AND_CELL_BYTES + slots.recordBytes + EVICTIONS[eviction].bytesElsewhere
}
