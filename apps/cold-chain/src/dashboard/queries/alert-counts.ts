import type { Queryable, QueryOptions } from '../../database/database.js'

export interface AlertCounts {
  readonly version: number
  readonly pending: number
  readonly acknowledged: number
  /** In the last 24 hours. */
  readonly resolved: number
  readonly total: number
}

/** How many alerts are open, and how many were resolved in the last 24 hours. */
export async function queryAlertCounts(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<AlertCounts | undefined> {
  const [row] = await database.query<AlertCounts>(
    `SELECT o.version, open.pending, open.acknowledged, done.resolved, open.pending + open.acknowledged + done.resolved AS total
     FROM organisations o,
       LATERAL (
         SELECT count(*) FILTER (WHERE status = 'pending')::int AS pending,
           count(*) FILTER (WHERE status = 'acknowledged')::int AS acknowledged
         FROM alerts WHERE organisation_id = o.id AND status <> 'resolved'
       ) open,
       LATERAL (
         SELECT count(*)::int AS resolved FROM alerts
         WHERE organisation_id = o.id AND status = 'resolved' AND resolved_at > now() - interval '24 hours'
       ) done
     WHERE o.id = $1`,
    [organisationId],
    options,
  )
  return row
}
