import type { Queryable, QueryOptions } from '../../database/database.js'

export interface TrendPoint {
  readonly at: Date
  readonly average: number
  readonly minimum: number
  readonly maximum: number
}

/** A day of one kind of unit: the average of a freezer and a fridge would mean nothing. */
export interface TrendSeries {
  readonly kind: string
  readonly points: readonly TrendPoint[]
}

export interface TemperatureTrends {
  readonly version: number
  readonly bucketMinutes: number
  readonly series: readonly TrendSeries[]
}

const BUCKET_MINUTES = 30

/** Temperatures of the last 24 hours of all units of an organisation, by kind of unit, in steps of half an hour. */
export async function queryTemperatureTrends(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<TemperatureTrends | undefined> {
  const rows = await database.query<TrendPoint & { kind: string | null; version: number }>(
    `SELECT o.version, t.kind, t.at, t.average, t.minimum, t.maximum
     FROM organisations o LEFT JOIN LATERAL (
       SELECT u.kind, date_bin('${BUCKET_MINUTES} minutes', r.bucket_at, 'epoch') AS at,
         round((sum(r.sum_celsius) / sum(r.readings))::numeric, 2)::float8 AS average,
         min(r.minimum_celsius) AS minimum, max(r.maximum_celsius) AS maximum
       FROM reading_rollups r JOIN units u ON u.id = r.unit_id
       WHERE r.organisation_id = o.id AND r.bucket_at > now() - interval '24 hours'
       GROUP BY u.kind, at
     ) t ON true
     WHERE o.id = $1 ORDER BY t.kind, t.at`,
    [organisationId],
    options,
  )
  const first = rows[0]
  if (!first) return undefined
  const kinds = new Map<string, TrendPoint[]>()
  for (const { kind, at, average, minimum, maximum } of rows) {
    if (kind === null) continue
    const points = kinds.get(kind) ?? []
    kinds.set(kind, points)
    points.push({ at, average, minimum, maximum })
  }
  return {
    version: first.version,
    bucketMinutes: BUCKET_MINUTES,
    series: [...kinds].map(([kind, points]) => ({ kind, points })),
  }
}
