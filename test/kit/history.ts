import type { Consistency } from '../../src/index.js'

interface Acknowledgement {
  version: number
  readonly atMs: number
  /** The newest version of this and all before, and where they stand. */
  newest: number
}

/**
 * What happened to one number that only grows, and whether every read kept its promise: a read that started at `t`
 * must be at least as new as whatever was acknowledged before `t - bound`, where the bound is zero for a strict read
 * and for what its own client acknowledged. Linear, no search: each read is compared with one running maximum.
 */
export class History {
  /** In the order of their times. */
  readonly #acknowledged: Acknowledgement[] = []
  /** The places of each client's own. */
  readonly #own = new Map<number, number[]>()
  readonly #maxStalenessMs: number
  readonly #slackMs: number
  readonly violations: string[] = []
  reads = 0

  /** `slackMs`: what was acknowledged within so much of a read's start is owed to nobody, whatever the level. */
  constructor(maxStalenessMs: number, slackMs = 0) {
    this.#maxStalenessMs = maxStalenessMs
    this.#slackMs = slackMs
  }

  get acknowledgements(): number {
    return this.#acknowledged.length
  }

  /** Answers the acknowledgement's place: what a receipt of it stands for. */
  acknowledge(version: number, atMs: number, client: number): number {
    const newest = Math.max(version, this.#acknowledged.at(-1)?.newest ?? 0)
    const place = this.#acknowledged.push({ version, atMs, newest }) - 1
    const own = this.#own.get(client)
    if (own) own.push(place)
    else this.#own.set(client, [place])
    return place
  }

  /** What a read that starts now must at least return. `known`: it is judged by so many acknowledgements. */
  least(startMs: number, level: Consistency, client: number, known = this.#acknowledged.length): number {
    if (level === 'strict') return this.#newestOf(known)
    const own = this.#own.get(client) ?? []
    let least =
      level === 'bounded' ? this.#newestOf(Math.min(known, this.#countBefore(startMs - this.#maxStalenessMs))) : 0
    for (let index = own.length - 1; index >= 0; index--) {
      const place = own[index]!
      if (place < known) least = Math.max(least, this.#acknowledged[place]!.version)
    }
    return least
  }

  read(value: number, least: number, what: string): void {
    this.reads++
    if (value < least) this.violations.push(`${what} returned ${value}, must be at least ${least}`)
  }

  /**
   * A read that starts now; the returned function takes its answer. It is judged at its end, because a failover
   * meanwhile forgives. `after`: place of the acknowledgement whose receipt it was given. `lagMs`: how far back the
   * cache's look at the time may lie, which the bound excludes. `owed`: a version that its client was promised otherwise.
   */
  begin(
    start: {
      readonly atMs: number
      readonly level: Consistency
      readonly client: number
      readonly after?: number | undefined
      readonly lagMs?: number
      readonly owed?: { readonly version: number } | undefined
    },
    what: string,
  ): (value: number) => void {
    const { atMs, level, client, after, lagMs = 0, owed } = start
    const slackMs = this.#slackMs
    const known = slackMs === 0 ? this.#acknowledged.length : this.#countBefore(atMs - slackMs)
    return (value) => {
      const receipt = after === undefined || after >= known ? 0 : this.#acknowledged[after]!.version
      const least = this.least(atMs - slackMs - lagMs, level, client, known)
      this.read(value, Math.max(receipt, owed?.version ?? 0, least), what)
    }
  }

  /** The server lost what it acknowledged from then on (A1): nothing of it is owed any more. */
  forgive(fromMs: number): void {
    let newest = 0
    for (const one of this.#acknowledged) {
      if (one.atMs >= fromMs) one.version = 0
      newest = Math.max(newest, one.version)
      one.newest = newest
    }
  }

  #newestOf(known: number): number {
    return this.#acknowledged[known - 1]?.newest ?? 0
  }

  /** How many were acknowledged before a moment. */
  #countBefore(atMs: number): number {
    let low = 0
    let high = this.#acknowledged.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#acknowledged[middle]!.atMs < atMs) low = middle + 1
      else high = middle
    }
    return low
  }
}
