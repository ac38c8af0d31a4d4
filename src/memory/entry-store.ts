import type { Key, LocalEntry, SpaceView } from '../core/ports/local-tier.js'
import type { Random } from '../core/ports/random.js'
import { EVICTIONS, type EvictionName } from './evictions/create-eviction.js'
import type { Eviction } from './evictions/eviction.js'
import { Groups, ROW } from './groups.js'
import { HotEntries } from './hot-entries.js'
import { KeyHash } from './key-hash.js'
import { KeyIndex } from './key-index.js'
import { LAYOUT, Slots } from './slots.js'
import { validateStore } from './validate-store.js'

const { GROUP, GROUP_MASK, FRESH, STORED } = LAYOUT
const { SEEN, FRESH_BASE, STRIDE: ROW_STRIDE } = ROW

/** Bytes of an entry beside its record: key and value references, and its share of the index. */
const PAIR_AND_CELL_BYTES = 22

export interface EntryStoreOptions {
  /** Keep entries' sizes. */
  isSized: boolean
  /** The most entries there will be. */
  expected: number
  eviction: EvictionName
  random: Random
}

/** Keeps slots, index, groups and eviction in step: each change of an entry goes through one of its methods. */
export class EntryStore {
  readonly #options: EntryStoreOptions
  readonly #hash: KeyHash
  hot: HotEntries
  slots: Slots
  groups: Groups
  index: KeyIndex
  eviction: Eviction
  /** Sum of the entries' sizes; 0 where they aren't kept. */
  bytes = 0
  /** What the structure takes for an entry, beside key and value. */
  overheadBytes: number
  #evictionName: EvictionName
  #missedKey: string | undefined
  #missedSpaceId = 0
  missedHash = 0

  constructor(options: EntryStoreOptions) {
    this.#options = options
    this.#hash = new KeyHash(options.random)
    this.#evictionName = options.eviction
    const kind = EVICTIONS[options.eviction]
    this.slots = new Slots({ isSized: options.isSized, expected: options.expected, evictionWords: kind.words })
    this.groups = new Groups()
    this.index = new KeyIndex(this.slots, this.groups, options.expected)
    this.hot = new HotEntries(() => this.slots.sampleKeys())
    this.eviction = kind.create(this.slots, options.random)
    this.overheadBytes = overheadOf(this.slots, options.eviction)
  }

  /** The eviction need not be told of reads while there is plenty of room. */
  get restsWhileRoomy(): boolean {
    return EVICTIONS[this.#evictionName].restsWhileRoomy === true
  }

  findText(spaceId: number, key: string): number {
    const hash = this.#hash.ofText(spaceId, key)
    const slot = this.index.findText(spaceId, key, hash)
    if (slot === 0) {
      this.#missedKey = key
      this.#missedSpaceId = spaceId
      this.missedHash = hash
    }
    return slot
  }

  findInteger(spaceId: number, key: number): number {
    return this.index.findInteger(spaceId, key, this.#hash.ofInteger(spaceId, key))
  }

  find(spaceId: number, key: Key): number {
    return typeof key === 'string' ? this.findText(spaceId, key) : this.findInteger(spaceId, key)
  }

  /** The latest look-up in vain was for this key, and nothing was added since: its hash is `missedHash`. */
  hasMissed(spaceId: number, key: Key): boolean {
    return typeof key === 'string' && this.#missedKey === key && this.#missedSpaceId === spaceId
  }

  hash(spaceId: number, key: Key): number {
    return this.#hash.of(spaceId, key)
  }

  findHashed(spaceId: number, key: Key, hash: number): number {
    return typeof key === 'string'
      ? this.index.findText(spaceId, key, hash)
      : this.index.findInteger(spaceId, key, hash)
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

  /** A new entry. There must be room, and none of this key. */
  add(space: SpaceView, key: Key, { hash, entry, bytes }: { hash: number; entry: LocalEntry; bytes: number }): void {
    const { slots } = this
    this.#missedKey = undefined
    const slot = slots.take(key, entry.value, hash)
    this.hot.ensureRoom(slots.count)
    this.#settle(slot, this.groups.join(space, entry), entry)
    this.#resize(slot, bytes)
    this.index.insert(slot, hash)
    this.eviction.added(slot)
  }

  /** Another value, time and size for an entry. Counts as a use. */
  replace(slot: number, space: SpaceView, entry: LocalEntry, bytes: number): void {
    const left = this.slots.group(slot)
    this.#forgetHot(slot)
    this.slots.setValue(slot, entry.value)
    this.#settle(slot, this.groups.join(space, entry), entry)
    this.groups.leave(left)
    if (this.#options.isSized) {
      this.eviction.reweighed(slot, bytes - this.slots.bytes(slot))
      this.#resize(slot, bytes)
    }
    this.eviction.used(slot)
  }

  /** Another time for an entry, and whatever happened up to now counts as seen. */
  regroup(slot: number, freshUntilMs: number): void {
    const left = this.slots.group(slot)
    this.#forgetHot(slot)
    const space = this.groups.space(left)
    const entry = { ...this.entry(slot), freshUntilMs, seen: space.namespace.sequence }
    this.slots.setValue(slot, entry.value)
    this.#settle(slot, this.groups.join(space, entry), entry)
    this.groups.leave(left)
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
    const kind = EVICTIONS[this.#evictionName]
    this.bytes = 0
    this.hot = new HotEntries(() => this.slots.sampleKeys())
    this.groups = new Groups()
    this.slots = new Slots({
      isSized: this.#options.isSized,
      expected: this.#options.expected,
      evictionWords: kind.words,
    })
    this.index = new KeyIndex(this.slots, this.groups, this.#options.expected)
    this.eviction = kind.create(this.slots, this.#options.random)
  }

  /** Another eviction from now on, which begins with the order of the old one. Entries stay in their slots. */
  useEviction(name: EvictionName): void {
    const order = [...this.eviction.order()]
    const kind = EVICTIONS[name]
    this.slots.relayout(kind.words)
    this.eviction = kind.create(this.slots, this.#options.random)
    for (const slot of order) this.eviction.added(slot)
    this.overheadBytes = overheadOf(this.slots, name)
    this.#evictionName = name
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

  #resize(slot: number, bytes: number): void {
    if (!this.#options.isSized) return
    this.bytes += bytes - this.slots.bytes(slot)
    this.slots.setBytes(slot, bytes)
  }
}

function overheadOf(slots: Slots, eviction: EvictionName): number {
  return PAIR_AND_CELL_BYTES + slots.recordBytes + EVICTIONS[eviction].bytesElsewhere
}
