import type { Database, Queryable } from '../database/database.js'
import type { Change } from './change.js'
import { isInRange, stateAfter, type UnitState } from './unit-state.js'
import { applyTransitions, type Transition } from './unit-transitions.js'

export interface Reading {
  readonly deviceId: number
  readonly celsius: number
  readonly takenAt: Date
}

/** A reading that was stored, with where it belongs. */
export interface StoredReading extends Reading {
  readonly organisationId: string
  readonly siteId: number
  readonly unitId: number
}

export interface StoredReadings {
  /** One for each reading that was given, in that order; `undefined` = no such device in the organisation it was sent for. */
  readonly stored: readonly (StoredReading | undefined)[]
  readonly changes: readonly Change[]
}

/** A reading as it came in: a gateway may only write for devices of its own organisation. */
export interface IncomingReading extends Reading {
  readonly organisationId: string
}

interface DeviceRow {
  deviceId: number
  online: boolean
  unitId: number
  unitName: string
  organisationId: string
  siteId: number
  state: UnitState
  readingAt: Date | null
  minimumCelsius: number
  maximumCelsius: number
  criticalMargin: number
}

/**
 * Stores readings in one transaction: the rows, the ten-minute rollups, the units' last temperature, and, where a
 * threshold is crossed, new states with their alerts. At most one reading a device.
 */
export function storeReadings(database: Database, readings: readonly IncomingReading[]): Promise<StoredReadings> {
  return database.transaction(async (transaction) => {
    const devices = await lockDevices(transaction, readings)
    const stored = readings.map((reading) => place(reading, devices.get(reading.deviceId)))
    const accepted = stored.filter((one) => one !== undefined)
    if (accepted.length === 0) return { stored, changes: [] }
    await insertReadings(transaction, accepted, devices)
    return { stored, changes: await applyTransitions(transaction, findTransitions(accepted, devices)) }
  })
}

function place(reading: IncomingReading, device: DeviceRow | undefined): StoredReading | undefined {
  if (device === undefined || device.organisationId !== reading.organisationId) return undefined
  return { ...reading, siteId: device.siteId, unitId: device.unitId }
}

async function lockDevices(transaction: Queryable, readings: readonly Reading[]): Promise<Map<number, DeviceRow>> {
  const rows = await transaction.query<DeviceRow>(
    `SELECT d.id AS "deviceId", d.online, u.id AS "unitId", u.name AS "unitName", u.organisation_id AS "organisationId",
       u.site_id AS "siteId", u.state, u.reading_at AS "readingAt", u.minimum_celsius AS "minimumCelsius",
       u.maximum_celsius AS "maximumCelsius", u.critical_margin AS "criticalMargin"
     FROM devices d JOIN units u ON u.id = d.unit_id
     WHERE d.id IN (SELECT jsonb_array_elements_text($1::text::jsonb)::int)
     ORDER BY u.id, d.id FOR NO KEY UPDATE OF u, d`,
    [JSON.stringify(readings.map((reading) => reading.deviceId))],
  )
  return new Map(rows.map((row) => [row.deviceId, row]))
}

/** A reading that is older than the last one is history: it is stored, and changes no state. */
function isNews(reading: Reading, device: DeviceRow): boolean {
  return device.readingAt === null || reading.takenAt >= device.readingAt
}

async function insertReadings(
  transaction: Queryable,
  readings: readonly StoredReading[],
  devices: ReadonlyMap<number, DeviceRow>,
): Promise<void> {
  const rows = readings.map((reading) => {
    const device = devices.get(reading.deviceId)!
    return {
      organisation_id: reading.organisationId,
      unit_id: reading.unitId,
      device_id: reading.deviceId,
      taken_at: reading.takenAt,
      celsius: reading.celsius,
      in_range: isInRange(reading.celsius, device),
      is_news: isNews(reading, device),
    }
  })
  await transaction.query(
    `WITH incoming AS (
       SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r
         (organisation_id text, unit_id int, device_id int, taken_at timestamptz, celsius float8, in_range boolean, is_news boolean)
     ), stored AS (
       INSERT INTO readings (unit_id, device_id, taken_at, celsius, in_range)
       SELECT unit_id, device_id, taken_at, celsius, in_range FROM incoming
     ), latest AS (
       UPDATE units u SET celsius = i.celsius, reading_at = i.taken_at FROM incoming i WHERE u.id = i.unit_id AND i.is_news
     ), seen AS (
       UPDATE devices d SET seen_at = now(), online = true FROM incoming i WHERE d.id = i.device_id AND i.is_news
     )
     INSERT INTO reading_rollups AS r
       (organisation_id, unit_id, bucket_at, readings, in_range, sum_celsius, minimum_celsius, maximum_celsius)
     SELECT organisation_id, unit_id, date_bin('10 minutes', taken_at, 'epoch') AS bucket_at,
       count(*), count(*) FILTER (WHERE in_range), sum(celsius), min(celsius), max(celsius)
     FROM incoming GROUP BY organisation_id, unit_id, bucket_at ORDER BY organisation_id, unit_id, bucket_at
     ON CONFLICT (organisation_id, unit_id, bucket_at) DO UPDATE SET
       readings = r.readings + excluded.readings,
       in_range = r.in_range + excluded.in_range,
       sum_celsius = r.sum_celsius + excluded.sum_celsius,
       minimum_celsius = least(r.minimum_celsius, excluded.minimum_celsius),
       maximum_celsius = greatest(r.maximum_celsius, excluded.maximum_celsius)`,
    [JSON.stringify(rows)],
  )
}

function findTransitions(readings: readonly StoredReading[], devices: ReadonlyMap<number, DeviceRow>): Transition[] {
  const transitions: Transition[] = []
  for (const reading of readings) {
    const device = devices.get(reading.deviceId)!
    if (!isNews(reading, device)) continue
    const to = stateAfter(reading.celsius, device, device.state)
    if (to === device.state) continue
    const { organisationId, siteId, unitId, celsius, takenAt } = reading
    const { unitName, deviceId, state: from } = device
    transitions.push({
      organisationId,
      siteId,
      unitId,
      unitName,
      deviceId,
      from,
      to,
      celsius,
      readingAt: takenAt,
      at: takenAt,
    })
  }
  return transitions
}
