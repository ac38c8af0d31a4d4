import type { Database } from '../database/database.js'
import { ALERT_COLUMNS, type AlertRow } from './alert-rows.js'
import type { AlertStatus, Change } from './change.js'
import { nextVersions } from './organisation-version.js'

export type AlertAction = 'acknowledge' | 'resolve'

export type AlertOutcome =
  | { readonly state: 'changed'; readonly change: Change & { type: 'alert-acknowledged' | 'alert-resolved' } }
  /** There is no such alert in this organisation. */
  | { readonly state: 'missing' }
  /** It is past that step already; nothing was changed. */
  | { readonly state: 'conflict'; readonly status: AlertStatus }

const STEP = {
  acknowledge: {
    sql: "status = 'acknowledged', acknowledged_at = now()",
    from: ['pending'],
    type: 'alert-acknowledged',
  },
  resolve: {
    sql: "status = 'resolved', resolved_at = now()",
    from: ['pending', 'acknowledged'],
    type: 'alert-resolved',
  },
} as const satisfies Record<AlertAction, { sql: string; from: readonly AlertStatus[]; type: Change['type'] }>

/** Someone saw an alert, or says that it is dealt with. */
export function actOnAlert(
  database: Database,
  action: AlertAction,
  organisationId: string,
  alertId: number,
): Promise<AlertOutcome> {
  const step = STEP[action]
  return database.transaction(async (transaction): Promise<AlertOutcome> => {
    const [found] = await transaction.query<{ status: AlertStatus }>(
      'SELECT status FROM alerts WHERE id = $1 AND organisation_id = $2 FOR NO KEY UPDATE',
      [alertId, organisationId],
    )
    if (!found) return { state: 'missing' }
    if (!step.from.some((status) => status === found.status)) return { state: 'conflict', status: found.status }
    const versions = await nextVersions(transaction, [organisationId])
    const version = versions.get(organisationId)!
    const [row] = await transaction.query<AlertRow>(
      `UPDATE alerts a SET ${step.sql} FROM units u WHERE a.id = $1 AND u.id = a.unit_id RETURNING ${ALERT_COLUMNS}`,
      [alertId],
    )
    const { organisationId: _, ...alert } = row!
    return { state: 'changed', change: { type: step.type, organisationId, version, alert } }
  })
}
