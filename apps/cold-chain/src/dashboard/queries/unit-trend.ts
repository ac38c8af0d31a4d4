import type { Queryable, QueryOptions } from '../../database/database.js'
import type { TrendPoint } from './temperature-trends.js'

export interface UnitTrend {
  readonly unitId: number
  readonly version: number
  readonly minimumCelsius: number
  readonly maximumCelsius: number
  readonly criticalMargin: number
  readonly bucketMinutes: number
  readonly points: readonly TrendPoint[]
}

/** Temperatures of the last 24 hours of one unit, in steps of ten minutes; nothing if the organisation has no such unit. */
export async function queryUnitTrend(
  database: Queryable,
  organisationId: string,
  unitId: number,
  options?: QueryOptions,
): Promise<UnitTrend | undefined> {
  const rows = await database.query<Omit<UnitTrend, 'points' | 'bucketMinutes'> & TrendPoint & { at: Date | null }>(
    `SELECT u.id AS "unitId", u.version, u.minimum_celsius AS "minimumCelsius", u.maximum_celsius AS "maximumCelsius",
       u.critical_margin AS "criticalMargin", r.bucket_at AS at,
       round((r.sum_celsius / r.readings)::numeric, 2)::float8 AS average, r.minimum_celsius AS minimum, r.maximum_celsius AS maximum
     FROM units u LEFT JOIN reading_rollups r
       ON r.organisation_id = u.organisation_id AND r.unit_id = u.id AND r.bucket_at > now() - interval '24 hours'
     WHERE u.id = $1 AND u.organisation_id = $2 ORDER BY r.bucket_at`,
    [unitId, organisationId],
    options,
  )
  const first = rows[0]
  if (!first) return undefined
  const { version, minimumCelsius, maximumCelsius, criticalMargin } = first
  const points = rows
    .filter((row) => row.at !== null)
    .map(({ at, average, minimum, maximum }) => ({ at, average, minimum, maximum }))
  return { unitId, version, minimumCelsius, maximumCelsius, criticalMargin, bucketMinutes: 10, points }
}
