import type { Queryable, QueryOptions } from '../../database/database.js'

export interface DevicesOnline {
  readonly version: number
  readonly online: number
  readonly offline: number
  readonly total: number
}

export async function queryDevicesOnline(
  database: Queryable,
  organisationId: string,
  options?: QueryOptions,
): Promise<DevicesOnline | undefined> {
  const [row] = await database.query<DevicesOnline>(
    `SELECT o.version, count(d.id)::int AS total, count(*) FILTER (WHERE d.online)::int AS online,
       count(*) FILTER (WHERE NOT d.online)::int AS offline
     FROM organisations o LEFT JOIN devices d ON d.organisation_id = o.id
     WHERE o.id = $1 GROUP BY o.id`,
    [organisationId],
    options,
  )
  return row
}
