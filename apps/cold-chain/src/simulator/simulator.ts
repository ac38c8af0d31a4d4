import { BackgroundJob } from '../background-job.js'
import type { Queryable } from '../database/database.js'
import type { ReadingWriter } from '../domain/reading-writer.js'
import { seededRandom } from './seeded-random.js'
import { Sensor } from './sensor.js'

export interface SimulatorOptions {
  readonly database: Queryable
  readonly writer: ReadingWriter
  /** How often each sensor reports. */
  readonly intervalMs: number
  readonly stateChangeRatio: number
  readonly failed: (name: string, error: unknown) => void
  readonly seed?: number
}

const TICK_MS = 250
/** A warm spell crosses about this many limits: to warning, to critical, and back. */
const CHANGES_PER_EXCURSION = 3.2
/** Readings are left out, not piled up, when the database is this far behind. */
const MAX_BEHIND = 5_000

/** Sensors that write readings for ever, spread evenly over the interval. */
export class Simulator {
  readonly #sensors: readonly Sensor[]
  readonly #options: SimulatorOptions
  readonly #job: BackgroundJob
  #startedAt = performance.now()
  #next = 0
  #skipped = 0

  static async start(options: SimulatorOptions): Promise<Simulator> {
    return new Simulator(options, await loadSensors(options))
  }

  private constructor(options: SimulatorOptions, sensors: readonly Sensor[]) {
    this.#options = options
    this.#sensors = sensors
    beginInTheMiddle(sensors)
    this.#job = new BackgroundJob({
      name: 'simulator',
      everyMs: TICK_MS,
      work: () => this.#tick(),
      failed: options.failed,
    })
  }

  get readingsPerSecond(): number {
    return (1_000 * this.#sensors.length) / this.#options.intervalMs
  }

  get skippedReadings(): number {
    return this.#skipped
  }

  /** Leaves the door of a unit open; false = it has no simulated sensor. */
  openDoor(unitId: number): boolean {
    const sensor = this.#sensors.find((one) => one.unitId === unitId)
    sensor?.openDoor(Date.now(), 1.5)
    return sensor !== undefined
  }

  close(): Promise<void> {
    return this.#job.close()
  }

  #tick(): void {
    const { intervalMs, writer } = this.#options
    const due = Math.floor(((performance.now() - this.#startedAt) / intervalMs) * this.#sensors.length)
    // After a pause of the machine each sensor reports once, not once for every interval that was slept through.
    if (due - this.#next > this.#sensors.length) this.#next = due - this.#sensors.length
    for (; this.#next < due; this.#next += 1) {
      if (writer.queued < MAX_BEHIND) this.#report(this.#sensors[this.#next % this.#sensors.length]!)
      else this.#skipped += 1
    }
  }

  #report(sensor: Sensor): void {
    const now = Date.now()
    const celsius = sensor.read(now)
    if (celsius === undefined) return
    const { deviceId, organisationId } = sensor
    this.#options.writer
      .write({ deviceId, organisationId, celsius, takenAt: new Date(now) })
      .catch((error) => this.#options.failed('simulator', error))
  }
}

/** As if the sensors had run for long: a few units are warm already. */
function beginInTheMiddle(sensors: readonly Sensor[]): void {
  for (let index = 0; index < sensors.length; index += 30) sensors[index]!.openDoor(Date.now() - 40_000, 1.2)
}

interface SensorRow {
  deviceId: number
  unitId: number
  organisationId: string
  minimumCelsius: number
  maximumCelsius: number
  criticalMargin: number
}

async function loadSensors({ database, stateChangeRatio, seed = 7 }: SimulatorOptions): Promise<Sensor[]> {
  const rows = await database.query<SensorRow>(
    `SELECT d.id AS "deviceId", u.id AS "unitId", u.organisation_id AS "organisationId", u.minimum_celsius AS "minimumCelsius",
       u.maximum_celsius AS "maximumCelsius", u.critical_margin AS "criticalMargin"
     FROM devices d JOIN units u ON u.id = d.unit_id ORDER BY hashint4(d.id)`,
  )
  const random = seededRandom(seed)
  return rows.map(
    ({ deviceId, unitId, organisationId, ...thresholds }) =>
      new Sensor({
        deviceId,
        unitId,
        organisationId,
        thresholds,
        random,
        excursionChance: stateChangeRatio / CHANGES_PER_EXCURSION,
      }),
  )
}
