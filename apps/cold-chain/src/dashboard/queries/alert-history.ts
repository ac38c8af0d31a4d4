import type { Queryable } from '../../database/database.js'
import { ALERT_COLUMNS, type AlertRow } from '../../domain/alert-rows.js'

/** Every alert there ever was, newest first, a page at a time. An audit asks the database, never a cache. */
export function queryAlertHistory(
  database: Queryable,
  organisationId: string,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<AlertRow[]> {
  return database.query<AlertRow>(
    `SELECT ${ALERT_COLUMNS} FROM alerts a JOIN units u ON u.id = a.unit_id
     WHERE a.organisation_id = $1 AND a.id < $2 ORDER BY a.id DESC LIMIT $3`,
    [organisationId, before ?? 2_147_483_647, limit],
  )
}
