import type { LocalEntry, SpaceView, Standing } from '../core/ports/local-tier.js'

/** Columns of a row. As with slots, the hot path reads rows itself. */
export const ROW = {
  SPACE_ID: 0,
  SEEN: 1,
  FRESH_BASE: 2,
  STORED_BASE: 3,
  STALE_MS: 4,
  MEMBERS: 5,
  IS_TAGGED: 6,
  STRIDE: 7,
} as const

const { SPACE_ID, SEEN, FRESH_BASE, STORED_BASE, STALE_MS, MEMBERS, IS_TAGGED, STRIDE } = ROW

const FIRST_GROUPS = 16
const GROWTH = 1.5

const INT32_SPAN = 0x8000_0000
const UINT32_SPAN = 0x1_0000_0000

const NO_TAGS: readonly string[] = []
/** Groups are numbered from 1. */
const NONE = 0

/**
 * What entries have in common, kept once: space, tags, stale window, and the sequence at which they were last judged.
 * All members of a group have seen the same events, so one judgement holds for all of them: after an invalidation that
 * touches nobody, the first read of a group clears it. Entries of a space without tags are in one group; of those with
 * tags, runs that repeat the same tags are.
 *
 * Times of entries are 32-bit milliseconds since a base of their group. An entry beyond the reach of a base (25 days)
 * opens a new group.
 */
export class Groups {
  rows = new Float64Array(FIRST_GROUPS * STRIDE)
  readonly #spaces: (SpaceView | undefined)[] = [undefined]
  readonly #tags: (readonly string[])[] = [NO_TAGS]
  readonly #free: number[] = []
  /** The group that the latest entry of a space joined, by space id. */
  readonly #latest = new Map<number, number>()
  /** The space that joined last, and its latest group. */
  #latestSpaceId = 0
  #latestGroup = NONE
  /** Groups in use. */
  count = 0

  spaceId(group: number): number {
    return this.#read(group, SPACE_ID)
  }

  space(group: number): SpaceView {
    return this.#spaces[group]!
  }

  tags(group: number): readonly string[] {
    return this.#tags[group]!
  }

  seen(group: number): number {
    return this.#read(group, SEEN)
  }

  freshBase(group: number): number {
    return this.#read(group, FRESH_BASE)
  }

  storedBase(group: number): number {
    return this.#read(group, STORED_BASE)
  }

  staleMs(group: number): number {
    return this.#read(group, STALE_MS)
  }

  members(group: number): number {
    return this.#read(group, MEMBERS)
  }

  /** How the members stand now. If they are current, they count as seen. */
  judge(group: number): Standing {
    const { namespace } = this.#spaces[group]!
    const seen = this.#read(group, SEEN)
    if (seen === namespace.sequence) return 'current'
    const tags = this.#tags[group]!
    const standing = namespace.standing(seen, tags.length === 0 ? undefined : tags)
    if (standing === 'current') this.#write(group, SEEN, namespace.sequence)
    return standing
  }

  /** Since when its members are stale, where they are by an invalidation. */
  softenedAtMs(group: number): number {
    const { namespace } = this.#spaces[group]!
    return namespace.softenedAtMs(this.#read(group, SEEN), this.#tags[group]!)
  }

  /** The group for an entry, one member larger. */
  join(space: SpaceView, entry: LocalEntry): number {
    if (space.id !== this.#latestSpaceId) this.#turnTo(space.id)
    const group = this.#latestGroup
    if (group === NONE || !this.#takes(group, entry, space.namespace.sequence)) return this.#joinAnother(space, entry)
    this.rows[group * STRIDE + MEMBERS]! += 1
    return group
  }

  /** The group for an entry whose slot was in `left` until now: as a rule the same one, and nobody need be counted. */
  change(left: number, space: SpaceView, entry: LocalEntry): number {
    const isLatest = left === this.#latestGroup && space.id === this.#latestSpaceId
    if (isLatest && this.#takes(left, entry, space.namespace.sequence)) return left
    const group = this.join(space, entry)
    this.leave(left)
    return group
  }

  leave(group: number): void {
    const members = this.#read(group, MEMBERS) - 1
    this.#write(group, MEMBERS, members)
    if (members === 0) this.#close(group)
  }

  /** Whether an entry that has seen everything can be a member. */
  #takes(group: number, entry: LocalEntry, sequence: number): boolean {
    const rows = this.rows
    const row = group * STRIDE
    if (entry.seen !== sequence || rows[row + SEEN] !== sequence || rows[row + STALE_MS] !== entry.staleMs) return false
    const fresh = entry.freshUntilMs - rows[row + FRESH_BASE]!
    const stored = entry.storedAtMs - rows[row + STORED_BASE]!
    if (!(fresh >= 0 && fresh < UINT32_SPAN && stored >= -INT32_SPAN && stored < INT32_SPAN)) return false
    return entry.tags === undefined ? rows[row + IS_TAGGED] === 0 : areSame(this.#tags[group]!, entry.tags)
  }

  /** The latest group of a space again, if all its members have seen everything; otherwise a new one. */
  #joinAnother(space: SpaceView, entry: LocalEntry): number {
    const { namespace } = space
    const { sequence } = namespace
    const isCurrent = entry.seen === sequence || namespace.standing(entry.seen, entry.tags) === 'current'
    const current = isCurrent && entry.seen !== sequence ? { ...entry, seen: sequence } : entry
    const latest = this.#latestGroup
    if (isCurrent && latest !== NONE && this.judge(latest) === 'current' && this.#takes(latest, current, sequence)) {
      this.#write(latest, MEMBERS, this.#read(latest, MEMBERS) + 1)
      return latest
    }
    const group = this.#open(space, current)
    if (isCurrent) {
      this.#latestGroup = group
      this.#latest.set(space.id, group)
    }
    return group
  }

  #turnTo(spaceId: number): void {
    this.#latestSpaceId = spaceId
    this.#latestGroup = this.#latest.get(spaceId) ?? NONE
  }

  #close(group: number): void {
    const spaceId = this.#read(group, SPACE_ID)
    if (this.#latest.get(spaceId) === group) {
      this.#latest.delete(spaceId)
      if (this.#latestSpaceId === spaceId) this.#latestGroup = NONE
    }
    this.#write(group, SPACE_ID, 0)
    this.#spaces[group] = undefined
    this.#tags[group] = NO_TAGS
    this.#free.push(group)
    this.count--
  }

  #open(space: SpaceView, entry: LocalEntry): number {
    const tags = entry.tags ?? NO_TAGS
    const group = this.#free.pop() ?? this.#append()
    this.#spaces[group] = space
    this.#tags[group] = tags
    this.#write(group, SPACE_ID, space.id)
    this.#write(group, SEEN, entry.seen)
    this.#write(group, FRESH_BASE, Math.floor(entry.freshUntilMs) - INT32_SPAN)
    this.#write(group, STORED_BASE, Math.floor(entry.storedAtMs))
    this.#write(group, STALE_MS, entry.staleMs)
    this.#write(group, MEMBERS, 1)
    this.#write(group, IS_TAGGED, tags.length === 0 ? 0 : 1)
    this.count++
    return group
  }

  #append(): number {
    const group = this.#spaces.length
    this.#spaces.push(undefined)
    this.#tags.push(NO_TAGS)
    if (group * STRIDE >= this.rows.length) {
      const rows = new Float64Array(Math.ceil(group * GROWTH) * STRIDE)
      rows.set(this.rows)
      this.rows = rows
    }
    return group
  }

  #read(group: number, column: number): number {
    return this.rows[group * STRIDE + column]!
  }

  #write(group: number, column: number, value: number): void {
    this.rows[group * STRIDE + column] = value
  }
}

function areSame(held: readonly string[], tags: readonly string[]): boolean {
  if (held === tags) return true
  if (held.length !== tags.length) return false
  for (let at = 0; at < tags.length; at++) if (held[at] !== tags[at]) return false
  return true
}
