import type { StoredReading } from '../domain/store-readings.js'

export interface UnitReading {
  readonly unitId: number
  readonly celsius: number
  readonly takenAt: Date
}

/**
 * Readings that changed no state, gathered for a second and sent as one event an organisation: they carry the
 * temperature itself, so nobody has to ask for anything, and nothing is invalidated (B24).
 */
export class ReadingStream {
  readonly #emit: (organisationId: string, readings: readonly UnitReading[]) => void
  readonly #isHeard: (organisationId: string) => boolean
  readonly #latest = new Map<string, Map<number, UnitReading>>()

  constructor(options: {
    emit: (organisationId: string, readings: readonly UnitReading[]) => void
    isHeard: (organisationId: string) => boolean
  }) {
    this.#emit = options.emit
    this.#isHeard = options.isHeard
  }

  add(readings: readonly StoredReading[]): void {
    for (const { organisationId, unitId, celsius, takenAt } of readings) {
      if (!this.#isHeard(organisationId)) continue
      const units = this.#latest.get(organisationId) ?? new Map<number, UnitReading>()
      this.#latest.set(organisationId, units)
      units.set(unitId, { unitId, celsius, takenAt })
    }
  }

  flush(): void {
    for (const [organisationId, units] of this.#latest) this.#emit(organisationId, [...units.values()])
    this.#latest.clear()
  }
}
