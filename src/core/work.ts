/** Work that goes on after its caller was answered; `close` waits for it. */
export class Work {
  #running = 0
  #onIdle: (() => void)[] = []

  get size(): number {
    return this.#running
  }

  /** What begins here must `end`, however it goes. */
  begin(): void {
    this.#running++
  }

  end(): void {
    if (--this.#running > 0 || this.#onIdle.length === 0) return
    const waiting = this.#onIdle
    this.#onIdle = []
    for (const resolve of waiting) resolve()
  }

  track(work: Promise<unknown>): void {
    this.begin()
    const end = (): void => this.end()
    work.then(end, end)
  }

  /** Resolves when nothing is left, also of what was added meanwhile. */
  async idle(): Promise<void> {
    while (this.#running > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }
}
