import type { Queryable, QueryOptions } from '../../database/database.js'
import type { UnitState } from '../../domain/unit-state.js'

export type UnitCounts = Record<UnitState | 'total', number>

export interface UnitStatus extends UnitCounts {
  readonly version: number
}

/** Of the organisation `o`. */
export const UNIT_COUNTS = `
  SELECT count(*)::int AS total,
    count(*) FILTER (WHERE state = 'normal')::int AS normal,
    count(*) FILTER (WHERE state = 'warning')::int AS warning,
    count(*) FILTER (WHERE state = 'critical')::int AS critical,
    count(*) FILTER (WHERE state = 'offline')::int AS offline
  FROM units WHERE organisation_id = o.id`

/** How many units are in which state. */
export async function queryUnitStatus(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<UnitStatus | undefined> {
  const [row] = await database.query<UnitStatus>(
    `SELECT o.version, units.* FROM organisations o, LATERAL (${UNIT_COUNTS}) units WHERE o.id = $1`,
    [organisationId],
    options,
  )
  return row
}
