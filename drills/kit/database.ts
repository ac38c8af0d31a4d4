/** Where the truth is: a version for each order, and a count of what is asked. */
export class Database {
  queries = 0
  /** Characters of each answer besides its version. */
  padding = 0
  readonly #versions = new Map<string, number>()
  readonly #asked = new Set<string>()
  #gate: Promise<void> | undefined

  async order(tenant: string, key: string): Promise<{ version: number; text: string }> {
    this.queries++
    this.#asked.add(`${tenant} ${key}`)
    const version = this.version(tenant, key)
    await this.#gate
    return { version, text: 'x'.repeat(this.padding) }
  }

  hasAsked(tenant: string, key: string): boolean {
    return this.#asked.has(`${tenant} ${key}`)
  }

  version(tenant: string, key: string): number {
    return this.#versions.get(`${tenant} ${key}`) ?? 1
  }

  change(tenant: string, key: string): void {
    this.#versions.set(`${tenant} ${key}`, this.version(tenant, key) + 1)
  }

  /** Queries take until the function that is returned is called. */
  hold(): () => void {
    let release!: () => void
    this.#gate = new Promise((resolve) => {
      release = resolve
    })
    return () => {
      this.#gate = undefined
      release()
    }
  }
}
