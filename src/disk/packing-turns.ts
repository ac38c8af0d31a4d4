interface Waiting {
  outstanding: number
  /** The turn of the last store that went ahead, or of the last deletion. */
  overtaken: number
}

/**
 * Which of a key's stores counts. One that is packed, or written to a file, takes its time; whatever is stored or
 * deleted after it was called, and goes ahead, counts instead.
 */
export class PackingTurns {
  readonly #waiting = new Map<string, Waiting>()
  #lastTurn = 0

  begin(entries: readonly { readonly key: string }[]): number {
    for (const { key } of entries) {
      const waiting = this.#waiting.get(key)
      if (waiting) waiting.outstanding++
      else this.#waiting.set(key, { outstanding: 1, overtaken: 0 })
    }
    return ++this.#lastTurn
  }

  /** For each entry: may it still be stored? */
  end(entries: readonly { readonly key: string }[], turn: number): boolean[] {
    const isCurrent = entries.map(({ key }) => this.#waiting.get(key)!.overtaken < turn)
    for (const [index, { key }] of entries.entries()) {
      const waiting = this.#waiting.get(key)!
      if (isCurrent[index]) waiting.overtaken = turn
      if (--waiting.outstanding === 0) this.#waiting.delete(key)
    }
    return isCurrent
  }

  /** Something newer goes ahead. */
  overtake(key: string): void {
    const waiting = this.#waiting.get(key)
    if (waiting) waiting.overtaken = ++this.#lastTurn
  }
}
