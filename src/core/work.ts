/** Work that goes on after its caller was answered; `close` waits for it. Nothing here ever rejects. */
export class Work {
  readonly #running = new Set<Promise<void>>()

  get size(): number {
    return this.#running.size
  }

  track(work: Promise<unknown>): void {
    const settled: Promise<void> = work.then(ignore, ignore).then(() => {
      this.#running.delete(settled)
    })
    this.#running.add(settled)
  }

  /** Resolves when nothing is left, also of what was added meanwhile. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}

function ignore(): void {}
