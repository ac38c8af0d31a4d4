import type { NamespaceView, Standing } from './ports/local-tier.js'
import type { Control, NamespaceId } from './ports/shared-tier.js'
import { firstSoftAfter, isSoftKnown, lastSoft, NO_SOFT_CLOCKS, type SoftClocks, withSoft } from './soft-clocks.js'
import { SoftRuns } from './soft-runs.js'
import type { Space } from './space.js'

/** Tags of one namespace that a process remembers; the oldest are forgotten, which can only cost misses. */
const MAX_TAGS = 10_000

interface TagState {
  /** Clocks of the last invalidations by the shared tier's count; 0 = never, as far as known. */
  hard: number
  soft: number
  /** All the soft ones that are known. */
  softClocks: SoftClocks
  /** The local sequence at which they were applied here. */
  hardAt: number
  softAt: number
  /** Since when what was stored before each soft one is stale; undefined where none was applied. */
  softened: SoftRuns | undefined
}

export interface Bump {
  readonly epoch: string
  readonly clock: number
  readonly tags: readonly string[]
  readonly clear: boolean
  readonly soft: boolean
}

/**
 * What this process knows of one namespace's invalidations, in two counts.
 *
 * - *Clocks* are the shared tier's: they order a fill's start and an invalidation wherever both happened. `judge`
 *   compares an entry's `born` with them.
 * - *Sequences* are this process's own: they move when an event is applied here, in whatever order events arrive.
 *   `standing` compares them with the sequence at which a local copy was last known to be alive, so that a local copy
 *   dies of every event applied after it was stored, also of one that arrives late or out of order.
 *
 * A memory-only cache uses the sequences alone. State only moves forward; forgetting (a bound, an epoch) kills entries,
 * never revives them.
 */
export class Namespace implements NamespaceView {
  readonly id: NamespaceId
  readonly tenant: string
  /** Spaces by their stored-key prefix. */
  readonly spaces = new Map<string, Space>()
  sequence = 0
  /** Hits that a `HitTally` has counted and not told yet. */
  untoldHits = 0

  #tags = new Map<string, TagState>()
  #floorAt = 0
  /** Unknown tags: an event at or before this sequence may have been forgotten. */
  #forgottenAt = 0

  #epoch: string | undefined
  #clock = 0
  #floor = 0
  /** Clock of the control block when it was adopted: what happened up to then was known before anything was stored here. */
  #openedAt = 0
  /** At least `openedAt`: a tag without a state had its last event at or before this clock. */
  #knownFrom = 0
  /** Highest clock of an event that came before any control block: one read earlier is out of date. */
  #heardClock = 0
  /** The sequence at which the log was last taken up anew. */
  #resetAt = 0
  #isRetired = false

  readonly #nowMs: () => number
  readonly #hereMs: (serverMs: number) => number

  /** `hereMs`: when something happened, by this process's clock, that did at `serverMs` by that of the server. */
  constructor(tenant: string, id: NamespaceId, nowMs: () => number, hereMs: (serverMs: number) => number = nowMs) {
    this.tenant = tenant
    this.id = id
    this.#nowMs = nowMs
    this.#hereMs = hereMs
  }

  /** False until a control block was adopted: nothing from the shared tier can be judged by what is known here. */
  get isOpen(): boolean {
    return this.#epoch !== undefined
  }

  get isRetired(): boolean {
    return this.#isRetired
  }

  /** Highest clock known, 0 before the namespace is open. */
  get clock(): number {
    return this.#clock
  }

  get epoch(): string | undefined {
    return this.#epoch
  }

  /** Everything born before it is dead. */
  get floor(): number {
    return this.#floor
  }

  standing(seen: number, tags: readonly string[] | undefined): Standing {
    if (this.#floorAt > seen || this.#isRetired) return 'dead'
    let standing: Standing = 'current'
    for (const tag of tags ?? []) {
      const state = this.#tags.get(tag)
      if (state === undefined) {
        if (this.#forgottenAt > seen) return 'dead'
      } else if (state.hardAt > seen) {
        return 'dead'
      } else if (state.softAt > seen) {
        standing = 'stale'
      }
    }
    return standing
  }

  /** Since when an entry is stale by the soft invalidations applied here after `seen`. */
  softenedAtMs(seen: number, tags: readonly string[] | undefined): number {
    let since = Number.POSITIVE_INFINITY
    for (const tag of tags ?? []) {
      const state = this.#tags.get(tag)
      if (state !== undefined && state.softAt > seen) since = Math.min(since, state.softened!.sinceMs(seen))
    }
    return since
  }

  /** The same of one that was born at a clock of the shared tier. */
  softenedSinceMs(born: number, tags: readonly string[]): number {
    const first = this.softenedAtUs(born, tags)
    return first === Number.POSITIVE_INFINITY ? first : this.#sinceMs(first)
  }

  /** The same by the shared tier's clock, in microseconds: the first soft invalidation known to be after `born`. */
  softenedAtUs(born: number, tags: readonly string[]): number {
    let since = Number.POSITIVE_INFINITY
    for (const tag of tags) since = Math.min(since, firstSoftAfter(this.#tags.get(tag)?.softClocks, born))
    return since
  }

  /** The soft invalidations of a tag that are known. */
  softClocksOf(tag: string): SoftClocks {
    return this.#tags.get(tag)?.softClocks ?? NO_SOFT_CLOCKS
  }

  /** How an entry of the shared tier stands by what is known here; 'unknown' = ask the control block. */
  judge(epoch: string, born: number, tags: readonly string[]): Standing | 'unknown' {
    if (this.#epoch !== epoch) return 'unknown'
    if (this.#floor > born) return 'dead'
    let standing: Standing = 'current'
    // By index: every hit of the shared tier comes by here, and most entries have few tags or none.
    for (let index = 0; index < tags.length; index++) {
      const state = this.#tags.get(tags[index]!)
      if (state === undefined) {
        if (born < this.#knownFrom) return 'unknown'
      } else if (state.hard > born) {
        return 'dead'
      } else if (state.soft > born) {
        standing = 'stale'
      }
    }
    return standing
  }

  /** An invalidation by this process, before any clock is known: local copies of these tags die (or age) now. */
  touch(event: Pick<Bump, 'tags' | 'clear' | 'soft'>, sinceMs = this.#nowMs()): void {
    const at = ++this.sequence
    if (event.clear) this.#floorAt = at
    for (const tag of event.tags) {
      const state = this.#stateOf(tag)
      if (event.soft) soften(state, at, sinceMs)
      else state.hardAt = at
    }
  }

  /**
   * An invalidation as the shared tier ordered it. True if it was news. `isOrdered` = from the log or the server's
   * own answer; pub/sub may repeat an event of an epoch long gone, so it never sets an epoch.
   */
  applyBump(bump: Bump, isOrdered: boolean): boolean {
    if (this.#epoch !== bump.epoch) {
      if (this.#epoch === undefined) this.#heardClock = Math.max(this.#heardClock, bump.clock)
      if (this.#epoch === undefined || !isOrdered) this.touch(bump, this.#sinceMs(bump.clock))
      // Which of the two epochs is over? A server that lost its clocks and whose own went back gives out lower ones.
      else if (bump.clock <= this.#clock) this.reset()
      else this.#open(bump.epoch, bump.clock, bump.clock)
      return true
    }
    const at = this.sequence + 1
    let isNews = false
    if (bump.clear && bump.clock > this.#floor) {
      this.#floor = bump.clock
      if (bump.clock > this.#openedAt) {
        this.#floorAt = at
        isNews = true
      }
    }
    for (const tag of bump.tags) {
      const isFirst = !this.#tags.has(tag)
      const state = this.#stateOf(tag)
      const last = bump.soft ? state.soft : state.hard
      const isKnown = bump.clock <= last && !(isFirst && bump.clock > this.#openedAt)
      if (isKnown && !(bump.soft && isMissed(state, bump.clock))) continue
      isNews = true
      if (bump.soft) {
        state.soft = Math.max(last, bump.clock)
        state.softClocks = withSoft(state.softClocks, [bump.clock, bump.clock])
        soften(state, at, this.#sinceMs(bump.clock))
      } else {
        state.hard = Math.max(last, bump.clock)
        state.hardAt = at
      }
    }
    if (isNews) this.sequence = at
    if (isOrdered) this.#clock = Math.max(this.#clock, bump.clock)
    return isNews
  }

  /**
   * Takes over what a control block said; `asked` are the tags whose clocks were read with it, `askedAt` the sequence
   * when it was asked for. One that is older than what is known here changes nothing: state only moves forward. Nor does
   * one that was asked for before the log was taken up anew (R9): the log will not tell what came in between.
   */
  adopt(control: Control, asked: readonly string[], askedAt: number): void {
    if (askedAt < this.#resetAt) return
    if (this.#epoch !== control.epoch) {
      if (control.clock < (this.#epoch === undefined ? this.#heardClock : this.#clock + 1)) return
      this.#open(control.epoch, control.clock, control.floor)
    }
    const at = this.sequence + 1
    let isNews = false
    if (control.floor > this.#floor) {
      this.#floor = control.floor
      this.#floorAt = at
      isNews = true
    }
    // Of a tag without a state it may not know the last event.
    const isTooOld = control.clock < Math.max(this.#openedAt, this.#knownFrom - 1)
    asked.forEach((tag, index) => {
      if (isTooOld && !this.#tags.has(tag)) return
      const clocks = control.tags[index]
      // A pruned tag may have had any clock up to `pruned`: as if it had had the highest.
      const hard = clocks?.hard ?? (control.pruned > 0 ? control.pruned + 1 : 0)
      const soft = lastSoft(clocks?.soft)
      const isFirst = !this.#tags.has(tag)
      const state = this.#stateOf(tag)
      const isHardNews = isFirst ? hard > this.#openedAt : hard > state.hard
      const isSoftNews = isFirst ? soft > this.#openedAt : soft > state.soft
      if (isHardNews) state.hardAt = at
      if (isSoftNews) {
        const first = firstSoftAfter(clocks!.soft, isFirst ? this.#openedAt : state.soft)
        soften(state, at, this.#sinceMs(first))
      }
      isNews ||= isHardNews || isSoftNews
      if (soft > 0) state.softClocks = withSoft(state.softClocks, clocks!.soft!)
      state.hard = isFirst ? hard : Math.max(state.hard, hard)
      state.soft = isFirst ? soft : Math.max(state.soft, soft)
    })
    if (isNews) {
      this.sequence = at
      this.#detachLoads()
    }
    this.#clock = Math.max(this.#clock, control.clock)
  }

  /** The log cannot be followed: everything held locally is dead, nothing about the shared tier is known. */
  reset(): void {
    this.#epoch = undefined
    this.#heardClock = 0
    this.#tags.clear()
    this.#floorAt = this.#forgottenAt = this.#resetAt = ++this.sequence
    this.poisonFlights()
  }

  /** This object is dropped for want of room: nothing that was stored under it may be served again. */
  retire(): void {
    this.#isRetired = true
    this.reset()
  }

  /** Nothing that is on its way here may be kept. */
  poisonFlights(): void {
    for (const space of this.spaces.values()) space.flights.poisonAll()
  }

  /** A tag or clear event passed: whoever comes now must not join a fill that began before it. */
  detachFlights(): void {
    for (const space of this.spaces.values()) space.flights.detachAll()
  }

  /**
   * A control block told of an event before the log does, to which it will be no news: what loads already may be older.
   * A flight that does not load yet will be judged by this block, or loads after it.
   */
  #detachLoads(): void {
    for (const space of this.spaces.values()) space.flights.detachLoads()
  }

  /** Local copies from before are dead: they were never compared with this control block. */
  #open(epoch: string, clock: number, floor: number): void {
    this.#detachLoads()
    this.#epoch = epoch
    this.#clock = this.#openedAt = this.#knownFrom = clock
    this.#floor = floor
    this.#tags.clear()
    this.#floorAt = this.#forgottenAt = ++this.sequence
  }

  #sinceMs(clock: number): number {
    return Math.min(this.#nowMs(), this.#hereMs(clock / 1000))
  }

  /** A new state says of the past what is safe: an entry born before `knownFrom` is dead to this tag. */
  #stateOf(tag: string): TagState {
    const known = this.#tags.get(tag)
    if (known) return known
    if (this.#tags.size >= MAX_TAGS) this.#forgetOldest()
    const state: TagState = {
      hard: this.#knownFrom,
      soft: this.#knownFrom,
      softClocks: NO_SOFT_CLOCKS,
      hardAt: this.#forgottenAt,
      softAt: 0,
      softened: undefined,
    }
    this.#tags.set(tag, state)
    return state
  }

  #forgetOldest(): void {
    const [tag, state] = this.#tags.entries().next().value!
    this.#tags.delete(tag)
    this.#forgottenAt = Math.max(this.#forgottenAt, state.hardAt, state.softAt)
    this.#knownFrom = Math.max(this.#knownFrom, state.hard + 1, state.soft + 1)
  }
}

function soften(state: TagState, at: number, sinceMs: number): void {
  state.softAt = at
  state.softened ??= new SoftRuns()
  state.softened.add(at, sinceMs)
}

/** A soft invalidation that comes after a later one: what that one made stale is so for longer. */
function isMissed({ softClocks }: TagState, clock: number): boolean {
  return clock < lastSoft(softClocks) && !isSoftKnown(softClocks, clock)
}

/** How an entry stands by a control block just read; 'unknown' = it has a tag whose clock was not asked for. */
export function judgeByControl(
  entry: { readonly epoch: string; readonly born: number; readonly tags: readonly string[] },
  control: Control,
  asked: readonly string[],
): Standing | 'unknown' {
  if (entry.epoch !== control.epoch || control.floor > entry.born) return 'dead'
  if (control.clock <= entry.born) return 'current'
  let standing: Standing = 'current'
  for (const tag of entry.tags) {
    const index = asked.indexOf(tag)
    if (index < 0) return 'unknown'
    const { hard, soft } = control.tags[index] ?? {}
    if (hard === undefined ? entry.born <= control.pruned : hard > entry.born) return 'dead'
    if (lastSoft(soft) > entry.born) standing = 'stale'
  }
  return standing
}

/** By a control block: its first soft invalidation after an entry was born, or Infinity. */
export function softenedByControl(
  { born, tags }: { readonly born: number; readonly tags: readonly string[] },
  control: Control,
  asked: readonly string[],
): number {
  let since = Number.POSITIVE_INFINITY
  for (const tag of tags) since = Math.min(since, firstSoftAfter(control.tags[asked.indexOf(tag)]?.soft, born))
  return since
}
