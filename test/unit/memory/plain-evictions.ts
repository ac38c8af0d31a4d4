/** A cache told as plainly as its rules: slow, and easy to check by reading. */
export interface PlainEviction {
  /** True if the key was held. A key that wasn't is held from now on. */
  ask(key: number): boolean
}

export const PLAIN_EVICTIONS = {
  fifo: (capacity: number): PlainEviction => new PlainFifo(capacity),
  lru: (capacity: number): PlainEviction => new PlainLru(capacity),
  lfu: (capacity: number): PlainEviction => new PlainLfu(capacity),
  sieve: (capacity: number): PlainEviction => new PlainSieve(capacity),
  's3-fifo': (capacity: number): PlainEviction => new PlainS3Fifo(capacity),
} as const

class PlainFifo implements PlainEviction {
  readonly #capacity: number
  readonly #held = new Set<number>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  ask(key: number): boolean {
    if (this.#held.has(key)) return true
    if (this.#held.size === this.#capacity) this.#held.delete(first(this.#held))
    this.#held.add(key)
    return false
  }
}

class PlainLru implements PlainEviction {
  readonly #capacity: number
  readonly #held = new Set<number>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  ask(key: number): boolean {
    const isHeld = this.#held.delete(key)
    if (this.#held.size === this.#capacity) this.#held.delete(first(this.#held))
    this.#held.add(key)
    return isHeld
  }
}

/** Counts are forgotten with the entry; of those used equally often the least recently used leaves. */
class PlainLfu implements PlainEviction {
  readonly #capacity: number
  readonly #uses = new Map<number, number>()
  /** Keys by uses, the least recently used first. */
  readonly #usedSoOften = new Map<number, Set<number>>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  ask(key: number): boolean {
    const uses = this.#uses.get(key) ?? 0
    if (uses > 0) this.#leave(key, uses)
    else if (this.#uses.size === this.#capacity) this.#evict()
    this.#uses.set(key, uses + 1)
    if (!this.#usedSoOften.has(uses + 1)) this.#usedSoOften.set(uses + 1, new Set())
    this.#usedSoOften.get(uses + 1)!.add(key)
    return uses > 0
  }

  #evict(): void {
    const fewest = Math.min(...this.#usedSoOften.keys())
    const key = first(this.#usedSoOften.get(fewest)!)
    this.#leave(key, fewest)
    this.#uses.delete(key)
  }

  #leave(key: number, uses: number): void {
    const keys = this.#usedSoOften.get(uses)!
    keys.delete(key)
    if (keys.size === 0) this.#usedSoOften.delete(uses)
  }
}

class PlainSieve implements PlainEviction {
  readonly #capacity: number
  /** Oldest first. */
  readonly #queue: number[] = []
  readonly #visited = new Map<number, boolean>()
  #hand = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  ask(key: number): boolean {
    const isHeld = this.#visited.has(key)
    if (!isHeld && this.#queue.length === this.#capacity) this.#evict()
    if (!isHeld) this.#queue.push(key)
    this.#visited.set(key, isHeld)
    return isHeld
  }

  #evict(): void {
    while (this.#visited.get(this.#queue[this.#hand]!)) {
      this.#visited.set(this.#queue[this.#hand]!, false)
      this.#hand = (this.#hand + 1) % this.#queue.length
    }
    const [key] = this.#queue.splice(this.#hand, 1)
    this.#visited.delete(key!)
    if (this.#hand === this.#queue.length) this.#hand = 0
  }
}

/** A small queue of 10 %, promotion at two uses, ghosts of whole keys for 90 % of the capacity. */
class PlainS3Fifo implements PlainEviction {
  readonly #capacity: number
  readonly #small: number[] = []
  readonly #main: number[] = []
  readonly #ghosts = new Set<number>()
  readonly #uses = new Map<number, number>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  ask(key: number): boolean {
    const uses = this.#uses.get(key)
    if (uses !== undefined) {
      this.#uses.set(key, Math.min(3, uses + 1))
      return true
    }
    while (this.#uses.size === this.#capacity) this.#evict()
    const queue = this.#ghosts.delete(key) ? this.#main : this.#small
    queue.push(key)
    this.#uses.set(key, 0)
    return false
  }

  #evict(): void {
    const smallRoom = Math.floor(0.1 * this.#capacity)
    const fromSmall = this.#small.length > 0 && (this.#small.length >= smallRoom || this.#main.length === 0)
    const key = (fromSmall ? this.#small : this.#main).shift()!
    const uses = this.#uses.get(key)!
    const stays = fromSmall ? uses >= 2 : uses > 0
    if (stays) {
      this.#main.push(key)
      this.#uses.set(key, fromSmall ? 0 : uses - 1)
      return
    }
    this.#uses.delete(key)
    if (fromSmall) this.#remember(key)
  }

  #remember(key: number): void {
    while (this.#ghosts.size > 0 && this.#ghosts.size >= Math.ceil(0.9 * this.#capacity)) {
      this.#ghosts.delete(first(this.#ghosts))
    }
    this.#ghosts.add(key)
  }
}

function first(keys: Set<number>): number {
  return keys.values().next().value!
}
