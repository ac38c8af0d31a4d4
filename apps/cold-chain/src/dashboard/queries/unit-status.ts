import type { Queryable, QueryOptions } from '../../database/database.js'
import type { UnitState } from '../../domain/unit-state.js'

export interface UnitStatus extends Record<UnitState, number> {
  readonly version: number
  readonly total: number
}

/** How many units are in which state. */
export async function queryUnitStatus(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<UnitStatus | undefined> {
  const [row] = await database.query<UnitStatus>(
    `SELECT o.version, count(u.id)::int AS total,
       count(*) FILTER (WHERE u.state = 'normal')::int AS normal,
       count(*) FILTER (WHERE u.state = 'warning')::int AS warning,
       count(*) FILTER (WHERE u.state = 'critical')::int AS critical,
       count(*) FILTER (WHERE u.state = 'offline')::int AS offline
     FROM organisations o LEFT JOIN units u ON u.organisation_id = o.id
     WHERE o.id = $1 GROUP BY o.id`,
    [organisationId],
    options,
  )
  return row
}
