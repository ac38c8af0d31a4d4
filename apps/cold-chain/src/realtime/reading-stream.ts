import type { StoredReading } from '../domain/store-readings.js'

export interface UnitReading {
  readonly unitId: number
  readonly celsius: number
  readonly takenAt: Date
}

interface Gathered {
  readonly since: number
  readonly units: Map<number, UnitReading>
}

const GATHER_MS = 1_000

/**
 * Readings that changed no state, gathered for a second and sent as one event an organisation: they carry the
 * temperature itself, so nobody has to ask for anything, and nothing is invalidated (B24).
 *
 * The second of an organisation begins with its first reading. Were they all sent at the same moment, requests would
 * wait for two hundred of them.
 */
export class ReadingStream {
  readonly #emit: (organisationId: string, readings: readonly UnitReading[]) => void
  readonly #isHeard: (organisationId: string) => boolean
  /** Oldest first. */
  readonly #gathered = new Map<string, Gathered>()

  constructor(options: {
    emit: (organisationId: string, readings: readonly UnitReading[]) => void
    isHeard: (organisationId: string) => boolean
  }) {
    this.#emit = options.emit
    this.#isHeard = options.isHeard
  }

  add(readings: readonly StoredReading[], now = performance.now()): void {
    for (const { organisationId, unitId, celsius, takenAt } of readings) {
      if (!this.#isHeard(organisationId)) continue
      const gathered = this.#gathered.get(organisationId) ?? { since: now, units: new Map<number, UnitReading>() }
      this.#gathered.set(organisationId, gathered)
      gathered.units.set(unitId, { unitId, celsius, takenAt })
    }
  }

  /** Sends those whose second is over. Call it many times a second. */
  flush(now = performance.now()): void {
    for (const [organisationId, { since, units }] of this.#gathered) {
      if (now - since < GATHER_MS) return
      this.#gathered.delete(organisationId)
      this.#emit(organisationId, [...units.values()])
    }
  }
}
