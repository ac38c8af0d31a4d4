import type { Thresholds } from '../domain/unit-state.js'

type Excursion = { readonly peak: number; readonly minutes: number; readonly startedAt: number }

export interface SensorOptions {
  readonly deviceId: number
  readonly unitId: number
  readonly organisationId: string
  readonly thresholds: Thresholds
  readonly random: () => number
  /** Chance that a reading begins an excursion. */
  readonly excursionChance: number
}

const COMPRESSOR_CYCLE_MS = 23 * 60_000
const SILENCE_CHANCE = 0.0004
const SILENCE_MS = 150_000

/**
 * A fridge as seen by its sensor: the compressor makes the temperature swing around the middle of the range; now and
 * then a door stays open and it drifts out, further or less far, and back; rarely the device falls silent.
 */
export class Sensor {
  readonly deviceId: number
  readonly unitId: number
  readonly organisationId: string
  readonly #options: SensorOptions
  readonly #phase: number
  #excursion: Excursion | undefined
  #silentUntil = 0

  constructor(options: SensorOptions) {
    this.deviceId = options.deviceId
    this.unitId = options.unitId
    this.organisationId = options.organisationId
    this.#options = options
    this.#phase = options.random()
  }

  /** The temperature now, or nothing while the device is silent. */
  read(now: number): number | undefined {
    const { random, excursionChance } = this.#options
    if (now < this.#silentUntil) return undefined
    if (random() < SILENCE_CHANCE) this.#silentUntil = now + SILENCE_MS
    if (!this.#excursion && random() < excursionChance) this.openDoor(now, 0.4 + 1.2 * random())
    return Math.round(100 * (this.#normal(now) + this.#drift(now))) / 100
  }

  /** Lets the unit warm up. `severity` 1 just reaches the critical limit. */
  openDoor(now: number, severity: number): void {
    const { maximumCelsius, criticalMargin } = this.#options.thresholds
    const peak = maximumCelsius - this.#middle() + severity * criticalMargin
    this.#excursion = { peak, minutes: 1.5 + 2 * this.#options.random(), startedAt: now }
  }

  #middle(): number {
    const { minimumCelsius, maximumCelsius } = this.#options.thresholds
    return (minimumCelsius + maximumCelsius) / 2
  }

  #normal(now: number): number {
    const { thresholds, random } = this.#options
    const span = thresholds.maximumCelsius - thresholds.minimumCelsius
    const swing = Math.sin(2 * Math.PI * (now / COMPRESSOR_CYCLE_MS + this.#phase))
    return this.#middle() + span * (0.16 * swing + 0.06 * (random() - 0.5))
  }

  /** Up and back as one smooth hill. */
  #drift(now: number): number {
    if (!this.#excursion) return 0
    const { peak, minutes, startedAt } = this.#excursion
    const share = (now - startedAt) / (minutes * 60_000)
    if (share >= 1) this.#excursion = undefined
    return share >= 1 ? 0 : peak * Math.sin(Math.PI * share) ** 2
  }
}
