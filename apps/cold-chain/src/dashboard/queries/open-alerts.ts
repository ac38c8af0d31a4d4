import type { Queryable, QueryOptions } from '../../database/database.js'
import { ALERT_COLUMNS, type AlertRow } from '../../domain/alert-rows.js'
import type { Alert } from '../../domain/change.js'

export interface OpenAlerts {
  readonly version: number
  readonly alerts: readonly Alert[]
}

const LIMIT = 100

/** Alerts that still need someone, newest first, at most a hundred. */
export async function queryOpenAlerts(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<OpenAlerts | undefined> {
  const rows = await database.query<{ organisationVersion: number } & (AlertRow | { id: null })>(
    `SELECT o.version AS "organisationVersion", a.* FROM organisations o LEFT JOIN LATERAL (
       SELECT ${ALERT_COLUMNS} FROM alerts a JOIN units u ON u.id = a.unit_id
       WHERE a.organisation_id = o.id AND a.status <> 'resolved' ORDER BY a.raised_at DESC, a.id DESC LIMIT ${LIMIT}
     ) a ON true WHERE o.id = $1 ORDER BY a."raisedAt" DESC, a.id DESC`,
    [organisationId],
    options,
  )
  const first = rows[0]
  if (!first) return undefined
  const alerts: Alert[] = []
  for (const row of rows) {
    if (row.id === null) continue
    const { organisationVersion: _, organisationId: __, ...alert } = row
    alerts.push(alert)
  }
  return { version: first.organisationVersion, alerts }
}
