/** What each event makes worth asking again; the tags behind it are in the app's event-tags.ts. */
export const TOUCHED = {
  unitUpdate: ['unit-status', 'stats'],
  alertCreated: ['alerts', 'stats'],
  alertResolved: ['alerts', 'stats'],
} as const satisfies Record<string, readonly string[]>

export type EventName = keyof typeof TOUCHED

interface Acknowledged {
  readonly version: number
  readonly atMs: number
}

/**
 * What has been promised so far. Every answer carries the version that its organisation had when it was asked of the
 * database; an event brings the version of its change and, if the invalidation was acknowledged, a receipt. From a bound
 * later on, nobody may get an older answer of a question that it touched; with the receipt, at once.
 */
export class Promises {
  acknowledged = 0
  /** Changes whose invalidation failed: nothing was promised about them. */
  refused = 0
  readonly #boundMs: number
  readonly #byQuestion = new Map<string, Acknowledged[]>()
  readonly #seen = new Set<string>()

  constructor(boundMs: number) {
    this.#boundMs = boundMs
  }

  /** An event was heard, maybe not for the first time. True if it is new and acknowledged. */
  hear(organisation: string, event: EventName, { version, receipt }: { version: number; receipt?: string }): boolean {
    const id = `${organisation} ${event} ${version}`
    if (this.#seen.has(id)) return false
    this.#seen.add(id)
    if (receipt === undefined) {
      this.refused++
      return false
    }
    this.acknowledged++
    for (const question of TOUCHED[event]) this.#note(`${organisation} ${question}`, version)
    return true
  }

  /** The least version that an answer to a call that began then may have. */
  leastVersion(organisation: string, question: string, startedAtMs: number): number {
    const all = this.#byQuestion.get(`${organisation} ${question}`) ?? []
    return all.findLast(({ atMs }) => atMs < startedAtMs - this.#boundMs)?.version ?? 0
  }

  #note(name: string, version: number): void {
    const all = this.#byQuestion.get(name) ?? []
    this.#byQuestion.set(name, all)
    // Two events may come in the other order: the highest so far counts.
    all.push({ version: Math.max(version, all.at(-1)?.version ?? 0), atMs: performance.now() })
    // Reads that began long ago have ended.
    if (all.length > 2_000) all.splice(0, 1_000)
  }
}
