import type { Queryable, QueryOptions } from '../../database/database.js'
import { type UnitState, worstState } from '../../domain/unit-state.js'
import { ALERT_COUNTS, type AlertNumbers } from './alert-counts.js'
import { COMPLIANCE } from './compliance.js'
import { UNIT_COUNTS, type UnitCounts } from './unit-status.js'

/** The overview of an organisation, in the shape that its clients know (S2). */
export interface OrganizationStats {
  readonly organizationId: string
  readonly version: number
  readonly unitCounts: UnitCounts
  readonly alertCounts: AlertNumbers
  readonly compliancePercentage: number | null
  readonly memberCount: number
  readonly siteCount: number
  readonly worstState: UnitState
  readonly lastUpdated: Date
}

/** One statement, so that all figures are of one moment. */
export async function queryOrganizationStats(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<OrganizationStats | undefined> {
  const [row] = await database.query<Omit<OrganizationStats, 'worstState'>>(
    `SELECT o.id AS "organizationId", o.version, row_to_json(units) AS "unitCounts", row_to_json(alerts) AS "alertCounts",
       compliance.percentage AS "compliancePercentage",
       (SELECT count(*)::int FROM members WHERE organisation_id = o.id) AS "memberCount",
       (SELECT count(*)::int FROM sites WHERE organisation_id = o.id) AS "siteCount",
       now() AS "lastUpdated"
     FROM organisations o, LATERAL (${UNIT_COUNTS}) units, LATERAL (${ALERT_COUNTS}) alerts, LATERAL (${COMPLIANCE}) compliance
     WHERE o.id = $1`,
    [organisationId],
    options,
  )
  return row && { ...row, worstState: worstState(row.unitCounts) }
}
