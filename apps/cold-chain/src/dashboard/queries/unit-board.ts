import type { Queryable } from '../../database/database.js'
import type { UnitState } from '../../domain/unit-state.js'

export interface BoardUnit {
  readonly id: number
  readonly name: string
  readonly kind: string
  readonly state: UnitState
  readonly stateSince: Date
  readonly celsius: number | null
  readonly readingAt: Date | null
  readonly minimumCelsius: number
  readonly maximumCelsius: number
  readonly criticalMargin: number
  readonly deviceId: number | null
  readonly version: number
}

export interface BoardSite {
  readonly id: number
  readonly name: string
  readonly units: readonly BoardUnit[]
}

/**
 * Sites and units as they are now. Asked of the database each time: the temperature in it changes with every reading, so
 * a cached copy would be either old or wiped all the time. A page asks once and lives on events from then on.
 */
export async function queryUnitBoard(database: Queryable, organisationId: string): Promise<BoardSite[]> {
  const rows = await database.query<BoardUnit & { siteId: number; siteName: string }>(
    `SELECT s.id AS "siteId", s.name AS "siteName", u.id, u.name, u.kind, u.state, u.state_since AS "stateSince", u.celsius,
       u.reading_at AS "readingAt", u.minimum_celsius AS "minimumCelsius", u.maximum_celsius AS "maximumCelsius",
       u.critical_margin AS "criticalMargin", u.version,
       (SELECT d.id FROM devices d WHERE d.unit_id = u.id ORDER BY d.id LIMIT 1) AS "deviceId"
     FROM units u JOIN sites s ON s.id = u.site_id
     WHERE u.organisation_id = $1 ORDER BY s.id, u.id`,
    [organisationId],
  )
  const sites = new Map<number, { id: number; name: string; units: BoardUnit[] }>()
  for (const { siteId, siteName, ...unit } of rows) {
    const site = sites.get(siteId) ?? { id: siteId, name: siteName, units: [] }
    sites.set(siteId, site)
    site.units.push(unit)
  }
  return [...sites.values()]
}
