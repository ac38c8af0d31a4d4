import type { Alert } from './change.js'

/** Columns of an alert `a` with its unit `u`, as `Alert` has them. */
export const ALERT_COLUMNS = `
  a.id, a.organisation_id AS "organisationId", a.site_id AS "siteId", a.unit_id AS "unitId", u.name AS "unitName",
  a.kind, a.severity, a.status, a.celsius, a.raised_at AS "raisedAt", a.acknowledged_at AS "acknowledgedAt",
  a.resolved_at AS "resolvedAt", a.pending_since AS "pendingSince", a.escalated_at AS "escalatedAt"`

export interface AlertRow extends Alert {
  readonly organisationId: string
}
