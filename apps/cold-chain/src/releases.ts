/** What was opened, to be closed in reverse order. The first error is kept, and the rest is closed all the same. */
export class Releases {
  readonly #releases: (() => unknown)[] = []
  #closing: Promise<void> | undefined

  add(release: () => unknown): void {
    this.#releases.push(release)
  }

  /** A second call gets the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const errors: unknown[] = []
    for (const release of this.#releases.splice(0).reverse()) {
      try {
        await release()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
