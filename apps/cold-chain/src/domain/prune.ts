import type { Database } from '../database/database.js'

const CHUNK = 5_000

/** Removes readings and rollups older than `before`, a chunk at a time so that nobody waits long. Alerts stay: they are the audit trail. */
export async function pruneReadings(database: Database, before: Date, signal: AbortSignal): Promise<number> {
  let removed = 0
  for (;;) {
    // The oldest rows have the smallest ids, so this walks the primary key from its start.
    const [row] = await database.query<{ removed: number }>(
      `WITH gone AS (
         DELETE FROM readings WHERE id IN (SELECT id FROM readings ORDER BY id LIMIT ${CHUNK}) AND taken_at < $1 RETURNING 1
       ) SELECT count(*)::int AS removed FROM gone`,
      [before],
      { signal },
    )
    removed += row?.removed ?? 0
    if ((row?.removed ?? 0) < CHUNK) break
  }
  await database.query('DELETE FROM reading_rollups WHERE bucket_at < $1', [before], { signal })
  if (removed > 0) await database.tidy(['readings', 'reading_rollups'])
  return removed
}
