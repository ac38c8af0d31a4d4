const SWEEP_FROM = 1024

/** Values that end by a clock, as keys with a life do in Redis. */
export class ExpiringMap<V> {
  readonly #now: () => number
  readonly #slots = new Map<string, { value: V; endsAt: number }>()
  #sweepAt = SWEEP_FROM

  constructor(now: () => number) {
    this.#now = now
  }

  get(key: string): V | undefined {
    return this.#slot(key)?.value
  }

  has(key: string): boolean {
    return this.#slot(key) !== undefined
  }

  set(key: string, value: V, lifeMs: number): void {
    if (this.#slots.size >= this.#sweepAt) this.#sweep()
    this.#slots.set(key, { value, endsAt: this.#now() + lifeMs })
  }

  /** A new value for what is there; its life stays. */
  replace(key: string, value: V): void {
    const slot = this.#slot(key)
    if (slot) slot.value = value
  }

  /** What is there ends `lifeMs` from now. */
  expireIn(key: string, lifeMs: number): void {
    const slot = this.#slot(key)
    if (slot) slot.endsAt = this.#now() + lifeMs
  }

  /** 0 = not there. */
  remainingMs(key: string): number {
    const slot = this.#slot(key)
    return slot ? slot.endsAt - this.#now() : 0
  }

  /** What is there now. */
  keys(): string[] {
    return [...this.#slots.keys()].filter((key) => this.has(key))
  }

  /** True if something was there. */
  delete(key: string): boolean {
    const isThere = this.has(key)
    this.#slots.delete(key)
    return isThere
  }

  /** The same keys with the same ends; values as `copyOf` makes them. */
  copy(copyOf: (value: V) => V = (value) => value): ExpiringMap<V> {
    const copy = new ExpiringMap<V>(this.#now)
    for (const [key, { value, endsAt }] of this.#slots) copy.#slots.set(key, { value: copyOf(value), endsAt })
    return copy
  }

  #slot(key: string): { value: V; endsAt: number } | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined || slot.endsAt > this.#now()) return slot
    this.#slots.delete(key)
    return undefined
  }

  /** What expired and is never asked for again leaves here, at a cost spread over the sets in between. */
  #sweep(): void {
    for (const key of this.#slots.keys()) this.#slot(key)
    this.#sweepAt = Math.max(SWEEP_FROM, this.#slots.size * 2)
  }
}
