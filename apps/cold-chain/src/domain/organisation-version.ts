import type { Queryable } from '../database/database.js'

/**
 * Counts the version of each organisation up by one; the last lock a transaction takes, in the order of the ids, so that
 * transactions of two processes cannot wait for each other. Held to the commit: versions follow the order of commits.
 */
export async function nextVersions(
  transaction: Queryable,
  organisationIds: Iterable<string>,
): Promise<Map<string, number>> {
  const rows = await transaction.query<{ id: string; version: number }>(
    `WITH locked AS (
       SELECT id FROM organisations WHERE id IN (SELECT jsonb_array_elements_text($1::text::jsonb)) ORDER BY id FOR NO KEY UPDATE
     )
     UPDATE organisations o SET version = o.version + 1 FROM locked WHERE o.id = locked.id
     RETURNING o.id, o.version`,
    [JSON.stringify([...new Set(organisationIds)])],
  )
  return new Map(rows.map(({ id, version }) => [id, version]))
}
