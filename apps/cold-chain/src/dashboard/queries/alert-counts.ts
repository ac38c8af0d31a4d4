import type { Queryable, QueryOptions } from '../../database/database.js'

export interface AlertNumbers {
  readonly pending: number
  readonly acknowledged: number
  /** In the last 24 hours. */
  readonly resolved: number
  readonly total: number
}

export interface AlertCounts extends AlertNumbers {
  readonly version: number
}

/** Of the organisation `o`. Open ones and resolved ones each come from an index of their own. */
export const ALERT_COUNTS = `
  SELECT open.pending, open.acknowledged, done.resolved, open.pending + open.acknowledged + done.resolved AS total
  FROM (
    SELECT count(*) FILTER (WHERE status = 'pending')::int AS pending,
      count(*) FILTER (WHERE status = 'acknowledged')::int AS acknowledged
    FROM alerts WHERE organisation_id = o.id AND status <> 'resolved'
  ) open, (
    SELECT count(*)::int AS resolved FROM alerts
    WHERE organisation_id = o.id AND status = 'resolved' AND resolved_at > now() - interval '24 hours'
  ) done`

/** How many alerts are open, and how many were resolved in the last 24 hours. */
export async function queryAlertCounts(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<AlertCounts | undefined> {
  const [row] = await database.query<AlertCounts>(
    `SELECT o.version, alerts.* FROM organisations o, LATERAL (${ALERT_COUNTS}) alerts WHERE o.id = $1`,
    [organisationId],
    options,
  )
  return row
}
