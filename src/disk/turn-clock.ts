/** Work that is worth a millisecond or two, counted in rows looked at: a share of the loop's turn. */
const TURN_WORK = 20_000

/** To look a row of a hint up in the index, somewhere in memory. */
export const WORK_OF_A_HINT_ROW = 60

/** Lets the event loop turn once long work in this thread has had its share. */
export class TurnShare {
  #done = 0

  /** Undefined if there is some left; else a promise of the next turn. */
  spend(work: number): Promise<void> | undefined {
    this.#done += work
    if (this.#done < TURN_WORK) return undefined
    this.#done = 0
    return nextTurn()
  }
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
