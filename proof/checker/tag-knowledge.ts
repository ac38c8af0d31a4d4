import type { TagMutant } from './tag-protocol.js'
import type { Answer, Control, Entry, Known, Process, Row } from './tag-state.js'

/**
 * What a process learns of the clocks, as `src/core/namespace.ts` has it: from control blocks, in whatever order their
 * answers arrive, and from the log. It only moves forward, but for the one time when the log's continuation is gone:
 * then the process forgets everything, and believes no control block that it asked for before.
 */
export class TagKnowledge {
  readonly #mutant: TagMutant | undefined

  constructor(mutant: TagMutant | undefined) {
    this.#mutant = mutant
  }

  first({ epoch, clock, tag }: Control): Known {
    return { epoch, clock, tag, floor: 0, openedAt: clock }
  }

  adopt(process: Process, answer: Answer | null): void {
    if (answer === null) return
    if (answer.askedAt < process.anchored && this.#mutant !== 'believe-control-from-before-anchor') return
    const { known } = process
    const { epoch, clock } = answer
    const hard = this.#hardOf(answer)
    if (this.#mutant === 'control-goes-back' && known !== null) {
      process.known = { ...known, epoch, clock, tag: hard }
    } else if (known === null || known.epoch !== epoch) {
      const isOld = known === null ? clock < process.heard : clock <= known.clock
      if (!isOld) this.#open(process, { epoch, clock, tag: hard, floor: 0, openedAt: clock })
    } else {
      if (hard > known.tag) process.memory = null
      process.known = { ...known, clock: Math.max(known.clock, clock), tag: Math.max(known.tag, hard) }
    }
  }

  /** A row of the log, in its order. */
  apply(process: Process, { epoch, clock, of }: Row): void {
    const { known } = process
    if (known === null) {
      process.heard = Math.max(process.heard, clock)
      if (of !== 'another tag') process.memory = null
    } else if (known.epoch !== epoch) {
      if (clock <= known.clock) this.#forget(process)
      else this.#open(process, { epoch, clock, tag: of === 'x' ? clock : 0, floor: clock, openedAt: clock })
    } else {
      const isCleared = of === 'clear' && clock > known.floor && clock > known.openedAt
      if (isCleared || (of === 'x' && clock > known.tag)) process.memory = null
      process.known = {
        ...known,
        clock: Math.max(known.clock, clock),
        tag: of === 'x' ? Math.max(known.tag, clock) : known.tag,
        floor: of === 'clear' ? Math.max(known.floor, clock) : known.floor,
      }
    }
  }

  /** The log's continuation is gone: what it told in between is never learnt. */
  takeUpAnew(process: Process): void {
    const { known, heard, memory } = process
    this.#forget(process)
    if (this.#mutant === 'clocks-kept-over-anchor') Object.assign(process, { known, heard })
    if (this.#mutant === 'memory-kept-over-anchor') process.memory = memory
  }

  #forget(process: Process): void {
    Object.assign(process, { known: null, heard: 0, memory: null })
    process.anchored++
  }

  #open(process: Process, known: Known): void {
    process.known = known
    process.memory = null
  }

  /** How an entry stands by what is known; 'unknown' = a control block must say. */
  judge(known: Known | null, { epoch, born }: Entry): 'alive' | 'dead' | 'unknown' {
    if (known === null || known.epoch !== epoch) return 'unknown'
    return known.floor > born || this.#isAfter(known.tag, born) ? 'dead' : 'alive'
  }

  judgeByControl(control: Control, { epoch, born }: Entry): 'alive' | 'dead' {
    if (epoch !== control.epoch && this.#mutant !== 'epoch-ignored') return 'dead'
    if (control.clock <= born) return 'alive'
    return this.#isAfter(this.#hardOf(control), born) ? 'dead' : 'alive'
  }

  /** A pruned tag may have had any clock up to `pruned`: as if it had had the highest, and an entry must be above it. */
  #hardOf({ tag, pruned }: Control): number {
    return tag === 0 && pruned > 0 && this.#mutant !== 'pruned-forgotten' ? pruned + 1 : tag
  }

  #isAfter(clock: number, born: number): boolean {
    return clock > (this.#mutant === 'off-by-one' ? born + 1 : born)
  }
}
