import type { Queryable, QueryOptions } from '../../database/database.js'
import { type UnitState, worstState } from '../../domain/unit-state.js'
import { queryAlertCounts } from './alert-counts.js'
import { queryCompliance } from './compliance.js'
import { queryUnitStatus } from './unit-status.js'

/** The overview of an organisation, in the shape that its clients know (S2). */
export interface OrganizationStats {
  readonly organizationId: string
  readonly version: number
  readonly unitCounts: Record<'total' | UnitState, number>
  readonly alertCounts: Record<'pending' | 'acknowledged' | 'resolved' | 'total', number>
  readonly compliancePercentage: number | null
  readonly memberCount: number
  readonly siteCount: number
  readonly worstState: UnitState
  readonly lastUpdated: Date
}

interface OrganisationRow {
  version: number
  memberCount: number
  siteCount: number
}

/**
 * Several statements, so several snapshots: `version` is read first, and no part is older than it. `lastUpdated` is when
 * the first of them was asked.
 */
export async function queryOrganizationStats(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<OrganizationStats | undefined> {
  const lastUpdated = new Date()
  const [organisation] = await database.query<OrganisationRow>(
    `SELECT version, (SELECT count(*)::int FROM members WHERE organisation_id = o.id) AS "memberCount",
       (SELECT count(*)::int FROM sites WHERE organisation_id = o.id) AS "siteCount"
     FROM organisations o WHERE o.id = $1`,
    [organisationId],
    options,
  )
  const units = await queryUnitStatus(database, organisationId, options)
  const alerts = await queryAlertCounts(database, organisationId, options)
  const compliance = await queryCompliance(database, organisationId, options)
  if (!organisation || !units || !alerts || !compliance) return undefined
  const { version: _, ...unitCounts } = units
  const { version: __, ...alertCounts } = alerts
  return {
    organizationId: organisationId,
    ...organisation,
    unitCounts,
    alertCounts,
    compliancePercentage: compliance.percentage,
    worstState: worstState(unitCounts),
    lastUpdated,
  }
}
