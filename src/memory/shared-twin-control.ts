import type { BumpRequest, Control, TagClocks } from '../core/ports/shared-tier.js'
import { lastSoft, NO_SOFT_CLOCKS, type SoftClocks, withSoft } from '../core/soft-clocks.js'

/** Tags looked at for pruning by one bump, as in the Redis script. */
const PRUNE_SAMPLE = 4

/** Shortest life of a control block: see `control-life.ts` of the Redis tier. */
const MIN_LIFE_MS = 7 * 86_400_000

/** The control block of one namespace: epoch, clocks, floor. */
export class TwinControl {
  readonly epoch: string
  clock: number
  #floor = 0
  #pruned = 0
  #horizonMs = 0
  readonly #hard = new Map<string, number>()
  readonly #soft = new Map<string, SoftClocks>()

  constructor(epoch: string, nowUs: number) {
    this.epoch = epoch
    this.clock = nowUs
  }

  bump(request: BumpRequest, nowUs: number, random: () => number): number {
    this.clock = Math.max(this.clock + 1, nowUs)
    if (request.clear) this.#floor = this.clock
    for (const tag of request.tags) {
      if (request.soft) this.#soft.set(tag, withSoft(this.#soft.get(tag) ?? NO_SOFT_CLOCKS, [this.clock, this.clock]))
      else this.#hard.set(tag, this.clock)
    }
    this.announce(request.horizonMs)
    this.#prune(nowUs - this.#horizonMs * 1000, random)
    return this.clock
  }

  /** The longest life of an entry that any process has named decides what may be pruned. */
  announce(horizonMs: number): void {
    this.#horizonMs = Math.max(this.#horizonMs, Math.ceil(horizonMs))
  }

  /** How long this block must live at least: twice the longest life of an entry. */
  get neededLifeMs(): number {
    return Math.max(2 * this.#horizonMs, MIN_LIFE_MS)
  }

  read(tags: readonly string[]): Control {
    return {
      epoch: this.epoch,
      clock: this.clock,
      floor: this.#floor,
      pruned: this.#pruned,
      tags: tags.map((tag): TagClocks => ({ hard: this.#hard.get(tag), soft: this.#soft.get(tag) })),
    }
  }

  copy(): TwinControl {
    const copy = new TwinControl(this.epoch, this.clock)
    copy.#floor = this.#floor
    copy.#pruned = this.#pruned
    copy.#horizonMs = this.#horizonMs
    for (const [tag, clock] of this.#hard) copy.#hard.set(tag, clock)
    for (const [tag, clocks] of this.#soft) copy.#soft.set(tag, clocks)
    return copy
  }

  #prune(oldUs: number, random: () => number): void {
    const lastOf = (clocks: number | SoftClocks): number => (typeof clocks === 'number' ? clocks : lastSoft(clocks))
    for (const clocks of [this.#hard, this.#soft]) {
      const names = [...clocks.keys()]
      for (let left = Math.min(PRUNE_SAMPLE, names.length); left > 0; left--) {
        const [tag] = names.splice(Math.floor(random() * names.length), 1)
        const clock = lastOf(clocks.get(tag!)!)
        if (clock >= oldUs) continue
        clocks.delete(tag!)
        this.#pruned = Math.max(this.#pruned, clock)
      }
    }
  }
}
