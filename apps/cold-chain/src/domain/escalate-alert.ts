import type { Database, Queryable } from '../database/database.js'
import { ALERT_COLUMNS, type AlertRow } from './alert-rows.js'
import type { Change } from './change.js'
import { nextVersions } from './organisation-version.js'

/** An alert, and the moment since which it waits: acknowledged or worse in the meantime, it is another wait. */
export interface Wait {
  readonly organisationId: string
  readonly alertId: number
  readonly pendingSince: Date
}

/**
 * Nobody has acknowledged an alert in time. Does nothing if somebody has, or if it became worse and waits anew.
 * A second call for the same wait changes nothing and answers the same change: the first may have died before it told it.
 */
export function escalateAlert(database: Database, wait: Wait): Promise<Change[]> {
  return database.transaction(async (transaction) => {
    const escalated = await escalate(transaction, wait)
    if (escalated) {
      const versions = await nextVersions(transaction, [wait.organisationId])
      return [toChange(escalated, versions.get(wait.organisationId)!)]
    }
    const [before] = await transaction.query<AlertRow & { version: number }>(
      `SELECT ${ALERT_COLUMNS}, o.version FROM alerts a JOIN units u ON u.id = a.unit_id
       JOIN organisations o ON o.id = a.organisation_id
       WHERE a.id = $1 AND a.organisation_id = $2 AND a.pending_since = $3 AND a.status = 'pending'`,
      parametersOf(wait),
    )
    if (!before) return []
    const { version, ...row } = before
    return [toChange(row, version)]
  })
}

async function escalate(transaction: Queryable, wait: Wait): Promise<AlertRow | undefined> {
  const [row] = await transaction.query<AlertRow>(
    `UPDATE alerts a SET escalated_at = now() FROM units u
     WHERE a.id = $1 AND a.organisation_id = $2 AND a.pending_since = $3 AND a.status = 'pending'
       AND a.escalated_at IS NULL AND u.id = a.unit_id
     RETURNING ${ALERT_COLUMNS}`,
    parametersOf(wait),
  )
  return row
}

function parametersOf({ alertId, organisationId, pendingSince }: Wait) {
  return [alertId, organisationId, pendingSince]
}

function toChange({ organisationId, ...alert }: AlertRow, version: number): Change {
  return { type: 'alert-escalated', organisationId, version, alert }
}

const LIMIT = 500

/** Who waits, longest first, and how long they have left of `escalateAfterMs` by the database's clock. At most 500. */
export function queryWaits(database: Queryable, escalateAfterMs: number): Promise<(Wait & { leftMs: number })[]> {
  return database.query(
    `SELECT id AS "alertId", organisation_id AS "organisationId", pending_since AS "pendingSince",
       greatest(0, $1::float8 - extract(epoch FROM now() - pending_since)::float8 * 1000) AS "leftMs"
     FROM alerts WHERE status = 'pending' AND escalated_at IS NULL ORDER BY pending_since LIMIT ${LIMIT}`,
    [escalateAfterMs],
  )
}
