export interface BackgroundJobOptions {
  readonly name: string
  readonly everyMs: number
  readonly work: (signal: AbortSignal) => Promise<unknown> | unknown
  readonly failed: (name: string, error: unknown) => void
}

/** Runs something again and again, never twice at once. A failure is reported, and the next run comes all the same. */
export class BackgroundJob {
  readonly #options: BackgroundJobOptions
  readonly #stop = new AbortController()
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined

  constructor(options: BackgroundJobOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.run(), options.everyMs)
    this.#timer.unref()
  }

  /** Runs now, unless it does already. */
  run(): void {
    this.#running ??= this.#once().finally(() => {
      this.#running = undefined
    })
  }

  /** Ends the run that is under way, and waits for its end. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort()
    await this.#running
  }

  async #once(): Promise<void> {
    const { name, work, failed } = this.#options
    try {
      await work(this.#stop.signal)
    } catch (error) {
      if (!this.#stop.signal.aborted) failed(name, error)
    }
  }
}
