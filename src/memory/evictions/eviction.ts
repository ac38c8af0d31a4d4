import type { SpaceView } from '../../core/ports/local-tier.js'

/**
 * Decides who leaves when there is no room. Holds no keys and no values: entries are slot numbers, and what it must
 * remember of one lies in the slot's record. Every member is O(1).
 *
 * The tier asks for victims until the new entry fits, removes each, and only then adds the new one; or it gives the slot of
 * one victim to the new entry. The record tells the old entry until then.
 */
export interface Eviction {
  /** A new entry has moved in. */
  added(slot: number): void
  /** An entry was read or its value replaced. The hot path. */
  used(slot: number): void
  /** An entry is about to move out, as a victim or for any other reason. */
  removed(slot: number): void
  /** `removed` and `added` in one: an entry of `space`, with this hash and the same weight, takes the slot of another. */
  displaced(slot: number, hash: number, space: SpaceView): void
  /** The weight of an entry is about to change by `delta`. */
  reweighed(slot: number, delta: number): void
  /** Who should leave so that an entry of this weight, of `space`, fits. Only asked when something is held. */
  victim(weight: number, space: SpaceView | undefined): number
  /** All entries, the first to leave first: for a change of eviction, and for checks. */
  order(): Iterable<number>
}
