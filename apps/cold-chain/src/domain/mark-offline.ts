import type { Database } from '../database/database.js'
import type { Change } from './change.js'
import type { UnitState } from './unit-state.js'
import { applyTransitions } from './unit-transitions.js'

interface SilentRow {
  organisationId: string
  siteId: number
  unitId: number
  unitName: string
  deviceId: number
  state: UnitState
  celsius: number | null
  readingAt: Date | null
}

/** Units whose device has been silent since `silentSince` become offline. At most `limit` at once. */
export function markOffline(
  database: Database,
  { silentSince, limit }: { silentSince: Date; limit: number },
): Promise<Change[]> {
  return database.transaction(async (transaction) => {
    const silent = await transaction.query<SilentRow>(
      `SELECT u.organisation_id AS "organisationId", u.site_id AS "siteId", u.id AS "unitId", u.name AS "unitName",
         d.id AS "deviceId", u.state, u.celsius, u.reading_at AS "readingAt"
       FROM devices d JOIN units u ON u.id = d.unit_id
       WHERE d.online AND (d.seen_at IS NULL OR d.seen_at < $1)
       ORDER BY u.id, d.id LIMIT $2 FOR NO KEY UPDATE OF u, d`,
      [silentSince, limit],
    )
    if (silent.length === 0) return []
    await transaction.query(
      'UPDATE devices SET online = false WHERE id IN (SELECT jsonb_array_elements_text($1::text::jsonb)::int)',
      [JSON.stringify(silent.map((row) => row.deviceId))],
    )
    const at = new Date()
    return applyTransitions(
      transaction,
      silent.map(({ state, ...row }) => ({ ...row, from: state, to: 'offline' as const, at })),
    )
  })
}
