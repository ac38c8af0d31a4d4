import type { Queryable } from '../database/database.js'
import { ALERT_COLUMNS, type AlertRow } from './alert-rows.js'
import type { AlertKind, AlertSeverity, Change } from './change.js'
import { nextVersions } from './organisation-version.js'
import type { UnitState } from './unit-state.js'

/** A unit whose row is locked and whose state is to change. */
export interface Transition {
  readonly organisationId: string
  readonly siteId: number
  readonly unitId: number
  readonly unitName: string
  readonly deviceId: number
  readonly from: UnitState
  readonly to: UnitState
  readonly celsius: number | null
  readonly readingAt: Date | null
  readonly at: Date
}

/** What a state asks for: one open alert of this kind and severity, and none of another kind. */
const ALERT_OF: Record<UnitState, { kind: AlertKind; severity: AlertSeverity } | undefined> = {
  normal: undefined,
  warning: { kind: 'temperature', severity: 'warning' },
  critical: { kind: 'temperature', severity: 'critical' },
  offline: { kind: 'offline', severity: 'warning' },
}

/** Writes new states with their alerts: raised, escalated or resolved. Returns what changed, in the order to tell it. */
export async function applyTransitions(transaction: Queryable, transitions: readonly Transition[]): Promise<Change[]> {
  if (transitions.length === 0) return []
  const rows = JSON.stringify(
    transitions.map(({ unitId, organisationId, siteId, to, at, celsius }) => {
      const alert = ALERT_OF[to]
      return {
        unit_id: unitId,
        organisation_id: organisationId,
        site_id: siteId,
        state: to,
        at,
        celsius,
        kind: alert?.kind,
        severity: alert?.severity,
      }
    }),
  )
  // Units are locked already; alerts come next and organisations last, everywhere: no two transactions wait in a ring.
  const resolved = await resolveAlerts(transaction, rows)
  const escalated = await escalateAlerts(transaction, rows)
  const raised = await raiseAlerts(transaction, rows)
  const versions = await nextVersions(
    transaction,
    transitions.map((one) => one.organisationId),
  )
  await transaction.query(
    `UPDATE units u SET state = t.state, state_since = t.at, version = o.version
     FROM jsonb_to_recordset($1::text::jsonb) AS t (unit_id int, organisation_id text, state text, at timestamptz)
     JOIN organisations o ON o.id = t.organisation_id
     WHERE u.id = t.unit_id`,
    [rows],
  )
  const versionOf = (organisationId: string): number => {
    const version = versions.get(organisationId)
    if (version === undefined) throw new Error(`organisation ${organisationId} has no row`)
    return version
  }
  return [
    ...transitions.flatMap((transition) => changesOf(transition, versionOf(transition.organisationId))),
    ...toChanges('alert-resolved', resolved, versionOf),
    ...toChanges('alert-escalated', escalated, versionOf),
    ...toChanges('alert-raised', raised, versionOf),
  ]
}

function changesOf(
  { organisationId, siteId, unitId, unitName, deviceId, from, to, celsius, readingAt }: Transition,
  version: number,
): Change[] {
  const unit = { id: unitId, siteId, name: unitName, state: to, previousState: from, celsius, readingAt }
  const changes: Change[] = [{ type: 'unit-state-changed', organisationId, version, unit }]
  if (from === 'offline' || to === 'offline') {
    changes.push({
      type: 'device-status-changed',
      organisationId,
      version,
      siteId,
      unitId,
      deviceId,
      online: from === 'offline',
    })
  }
  return changes
}

function toChanges(
  type: 'alert-resolved' | 'alert-escalated' | 'alert-raised',
  alerts: readonly AlertRow[],
  versionOf: (organisationId: string) => number,
): Change[] {
  return alerts.map(({ organisationId, ...alert }) => ({
    type,
    organisationId,
    version: versionOf(organisationId),
    alert,
  }))
}

const INPUT =
  'jsonb_to_recordset($1::text::jsonb) AS t (unit_id int, organisation_id text, site_id int, state text, at timestamptz, celsius float8, kind text, severity text)'

/** Open alerts that the new state no longer asks for. A device that falls silent proves nothing about the temperature. */
function resolveAlerts(transaction: Queryable, rows: string): Promise<AlertRow[]> {
  return transaction.query<AlertRow>(
    `UPDATE alerts a SET status = 'resolved', resolved_at = t.at
     FROM ${INPUT} JOIN units u ON u.id = t.unit_id
     WHERE a.unit_id = t.unit_id AND a.status <> 'resolved' AND a.kind IS DISTINCT FROM t.kind AND t.state <> 'offline'
     RETURNING ${ALERT_COLUMNS}`,
    [rows],
  )
}

/** A worse state of the same kind makes the open alert worse, and someone has to look again. */
function escalateAlerts(transaction: Queryable, rows: string): Promise<AlertRow[]> {
  return transaction.query<AlertRow>(
    `UPDATE alerts a SET severity = t.severity, status = 'pending', acknowledged_at = NULL, celsius = t.celsius,
       pending_since = date_trunc('milliseconds', now()), escalated_at = NULL
     FROM ${INPUT} JOIN units u ON u.id = t.unit_id
     WHERE a.unit_id = t.unit_id AND a.status <> 'resolved' AND a.kind = t.kind AND a.severity = 'warning' AND t.severity = 'critical'
     RETURNING ${ALERT_COLUMNS}`,
    [rows],
  )
}

function raiseAlerts(transaction: Queryable, rows: string): Promise<AlertRow[]> {
  return transaction.query<AlertRow>(
    `WITH a AS (
       INSERT INTO alerts (organisation_id, site_id, unit_id, kind, severity, celsius, raised_at)
       SELECT t.organisation_id, t.site_id, t.unit_id, t.kind, t.severity, t.celsius, t.at FROM ${INPUT} WHERE t.kind IS NOT NULL
       ON CONFLICT (unit_id, kind) WHERE status <> 'resolved' DO NOTHING
       RETURNING *
     )
     SELECT ${ALERT_COLUMNS} FROM a JOIN units u ON u.id = a.unit_id ORDER BY a.id`,
    [rows],
  )
}
