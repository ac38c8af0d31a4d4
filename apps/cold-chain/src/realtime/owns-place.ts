import type { Queryable } from '../database/database.js'
import type { Place } from './socket-server.js'

/** Whether a site or unit belongs to an organisation. */
export async function ownsPlace(database: Queryable, organisationId: string, place: Place): Promise<boolean> {
  const [table, id] = 'siteId' in place ? ['sites', place.siteId] : ['units', place.unitId]
  const rows = await database.query(`SELECT 1 FROM ${table} WHERE id = $1 AND organisation_id = $2`, [
    id,
    organisationId,
  ])
  return rows.length > 0
}
