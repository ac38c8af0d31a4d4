import type { LocalEntry, SpaceView, Standing } from '../core/ports/local-tier.js'

const FIRST_CHUNK_GROUPS = 16

/** How groups lie in chunks, and the columns of a row. As with slots, the hot path reads rows itself. */
export const GROUP_LAYOUT = {
  CHUNK_BITS: 12,
  CHUNK_MASK: (1 << 12) - 1,
  STRIDE: 6,
  SPACE_ID: 0,
  SEEN: 1,
  FRESH_BASE: 2,
  STORED_BASE: 3,
  STALE_MS: 4,
  MEMBERS: 5,
} as const

const { CHUNK_BITS, CHUNK_MASK, STRIDE, SPACE_ID, SEEN, FRESH_BASE, STORED_BASE, STALE_MS, MEMBERS } = GROUP_LAYOUT
const CHUNK_GROUPS = 1 << CHUNK_BITS

const INT32_SPAN = 0x8000_0000
const UINT32_SPAN = 0x1_0000_0000

const NO_TAGS: readonly string[] = []

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
  readonly rows: Float64Array[] = [new Float64Array(FIRST_CHUNK_GROUPS * STRIDE)]
  readonly #spaces: (SpaceView | undefined)[] = [undefined]
  readonly #tags: (readonly string[])[] = [NO_TAGS]
  readonly #free: number[] = []
  /** The group that the latest entry of a space joined, by space id. */
  readonly #latest = new Map<number, number>()
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

  /** The group for an entry, one member larger. */
  join(space: SpaceView, entry: LocalEntry): number {
    const { namespace } = space
    const tags = entry.tags ?? NO_TAGS
    const isCurrent = entry.seen === namespace.sequence || namespace.standing(entry.seen, entry.tags) === 'current'
    const latest = this.#latest.get(space.id)
    if (isCurrent && latest !== undefined && this.#takes(latest, entry, tags) && this.judge(latest) === 'current') {
      this.#write(latest, MEMBERS, this.#read(latest, MEMBERS) + 1)
      return latest
    }
    const group = this.#open(space, entry, tags)
    if (isCurrent) {
      this.#write(group, SEEN, namespace.sequence)
      this.#latest.set(space.id, group)
    }
    return group
  }

  leave(group: number): void {
    const members = this.#read(group, MEMBERS) - 1
    this.#write(group, MEMBERS, members)
    if (members > 0) return
    const spaceId = this.#read(group, SPACE_ID)
    if (this.#latest.get(spaceId) === group) this.#latest.delete(spaceId)
    this.#write(group, SPACE_ID, 0)
    this.#spaces[group] = undefined
    this.#tags[group] = NO_TAGS
    this.#free.push(group)
    this.count--
  }

  #takes(group: number, entry: LocalEntry, tags: readonly string[]): boolean {
    if (this.#read(group, STALE_MS) !== entry.staleMs) return false
    const fresh = Math.floor(entry.freshUntilMs) - this.#read(group, FRESH_BASE)
    const stored = entry.storedAtMs - this.#read(group, STORED_BASE)
    if (fresh < 0 || fresh >= UINT32_SPAN || stored < -INT32_SPAN || stored >= INT32_SPAN) return false
    const held = this.#tags[group]!
    if (held === tags) return true
    if (held.length !== tags.length) return false
    for (let at = 0; at < tags.length; at++) if (held[at] !== tags[at]) return false
    return true
  }

  #open(space: SpaceView, entry: LocalEntry, tags: readonly string[]): number {
    const group = this.#free.pop() ?? this.#append()
    this.#spaces[group] = space
    this.#tags[group] = tags
    this.#write(group, SPACE_ID, space.id)
    this.#write(group, SEEN, entry.seen)
    this.#write(group, FRESH_BASE, Math.floor(entry.freshUntilMs) - INT32_SPAN)
    this.#write(group, STORED_BASE, Math.floor(entry.storedAtMs))
    this.#write(group, STALE_MS, entry.staleMs)
    this.#write(group, MEMBERS, 1)
    this.count++
    return group
  }

  #append(): number {
    const group = this.#spaces.length
    this.#spaces.push(undefined)
    this.#tags.push(NO_TAGS)
    const last = this.rows[group >>> CHUNK_BITS]
    if (last === undefined) {
      this.rows.push(new Float64Array(CHUNK_GROUPS * STRIDE))
    } else if ((group & CHUNK_MASK) * STRIDE >= last.length) {
      const rows = new Float64Array(last.length * 2)
      rows.set(last)
      this.rows[group >>> CHUNK_BITS] = rows
    }
    return group
  }

  #read(group: number, column: number): number {
    return this.rows[group >>> CHUNK_BITS]![(group & CHUNK_MASK) * STRIDE + column]!
  }

  #write(group: number, column: number, value: number): void {
    this.rows[group >>> CHUNK_BITS]![(group & CHUNK_MASK) * STRIDE + column] = value
  }
}
