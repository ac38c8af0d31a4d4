import type { Queryable, QueryOptions } from '../../database/database.js'

export interface Compliance {
  readonly version: number
  /** Share of the readings of the last 24 hours that were in range, 0 to 100; `null` = no reading. */
  readonly percentage: number | null
  readonly readings: number
  readonly inRange: number
}

/** Of the organisation `o`. */
export const COMPLIANCE = `
  SELECT readings, in_range AS "inRange", round(100.0 * in_range / nullif(readings, 0), 2)::float8 AS percentage
  FROM (
    SELECT coalesce(sum(readings), 0)::int AS readings, coalesce(sum(in_range), 0)::int AS in_range
    FROM reading_rollups WHERE organisation_id = o.id AND bucket_at > now() - interval '24 hours'
  ) r`

export async function queryCompliance(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<Compliance | undefined> {
  const [row] = await database.query<Compliance>(
    `SELECT o.version, compliance.* FROM organisations o, LATERAL (${COMPLIANCE}) compliance WHERE o.id = $1`,
    [organisationId],
    options,
  )
  return row
}
