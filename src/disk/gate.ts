/** Lets so much through at a time; the rest waits in order. Something larger than the whole goes alone. */
export class Gate {
  readonly #limit: number
  #inside = 0
  readonly #waiting: { readonly weight: number; readonly enter: () => void }[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Undefined if there is room now; else a promise of it. Who enters must leave. */
  enter(weight: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#fits(weight)) {
      this.#inside += weight
      return undefined
    }
    return new Promise((resolve) => {
      this.#waiting.push({ weight, enter: resolve })
    })
  }

  leave(weight: number): void {
    this.#inside -= weight
    for (let next = this.#waiting[0]; next && this.#fits(next.weight); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#inside += next.weight
      next.enter()
    }
  }

  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
    await this.enter(weight)
    try {
      return await work()
    } finally {
      this.leave(weight)
    }
  }

  #fits(weight: number): boolean {
    return this.#inside === 0 || this.#inside + weight <= this.#limit
  }
}
