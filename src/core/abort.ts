/**
 * An AbortController whose signal is made when somebody asks for it: most fills never look at theirs, and making one
 * costs more than everything else about a miss in memory.
 */
export class Abort {
  #controller: AbortController | undefined
  #listeners: Set<() => void> | undefined
  #isAborted = false
  #reason: unknown

  get isAborted(): boolean {
    return this.#isAborted
  }

  get reason(): unknown {
    return this.#reason
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isAborted) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** The first reason stays. */
  abort(reason: unknown): void {
    if (this.#isAborted) return
    this.#isAborted = true
    this.#reason = reason
    this.#controller?.abort(reason)
    for (const listener of this.#listeners ?? []) listener()
    this.#listeners = undefined
  }

  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason
  }

  /** Calls `listener` once, at the abort. Returns the function that takes it back. */
  onAbort(listener: () => void): () => void {
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    return () => this.#listeners?.delete(listener)
  }
}
