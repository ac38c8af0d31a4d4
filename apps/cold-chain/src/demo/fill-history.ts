import type { Database } from '../database/database.js'

const STEP_MS = 10 * 60_000
const DAY_MS = 24 * 3_600_000

/**
 * Gives the charts something to show: a reading every ten minutes for the part of the last 24 hours in which this demo
 * did not run, with an hour out of range now and then and the alert that belongs to it. Invented, as the sensors are.
 */
export async function fillHistory(database: Database, now = Date.now()): Promise<void> {
  const until = Math.floor(now / STEP_MS) * STEP_MS
  const isFilled = await database.transaction(async (transaction) => {
    await transaction.query("SELECT pg_advisory_xact_lock(hashtext('cold-chain history'), hashtext(current_schema()))")
    const [last] = await transaction.query<{ at: Date | null }>('SELECT max(bucket_at) AS at FROM reading_rollups')
    const from = Math.max(until - DAY_MS, last?.at ? last.at.getTime() + STEP_MS : 0)
    if (from >= until) return false
    await transaction.query(INSERT_READINGS, [new Date(from), new Date(until - 1)])
    await transaction.query(INSERT_ROLLUPS, [new Date(from), new Date(until - 1)])
    await transaction.query(INSERT_ALERTS, [new Date(from), new Date(until - 3_600_000)])
    return true
  })
  if (isFilled) await database.tidy(['readings', 'reading_rollups', 'units', 'devices', 'alerts'])
}

/** One hour in forty of a unit is a warm one: up and back as one hill, 0.4 to 1.6 critical margins beyond the limit. */
const WARM_HOUR = "mod(abs(hashint8(u.id * 100003 + extract(epoch FROM date_trunc('hour', t.at))::bigint)), 40) = 0"

const INSERT_READINGS = `
  INSERT INTO readings (unit_id, device_id, taken_at, celsius, in_range)
  SELECT unit_id, device_id, at, celsius, celsius BETWEEN minimum_celsius AND maximum_celsius
  FROM (
    SELECT u.id AS unit_id, d.id AS device_id, t.at, u.minimum_celsius, u.maximum_celsius,
      round((middle + span * (0.16 * sin(2 * pi() * (extract(epoch FROM t.at)::float8 / 1380 + u.id * 0.37)) + 0.06 * (random() - 0.5))
        + CASE WHEN ${WARM_HOUR}
            THEN (span / 2 + u.critical_margin * (0.4 + 1.2 * mod(u.id * 7 + extract(hour FROM t.at)::int, 10) / 10))
              * sin(pi() * (extract(minute FROM t.at)::float8 + 5) / 60) ^ 2
            ELSE 0 END)::numeric, 2)::float8 AS celsius
    FROM generate_series($1::timestamptz, $2::timestamptz, '10 minutes') AS t (at)
    CROSS JOIN (SELECT *, (minimum_celsius + maximum_celsius) / 2 AS middle, maximum_celsius - minimum_celsius AS span FROM units) u
    JOIN LATERAL (SELECT id FROM devices WHERE unit_id = u.id ORDER BY id LIMIT 1) d ON true
  ) r
  ORDER BY at`

const INSERT_ROLLUPS = `
  INSERT INTO reading_rollups (organisation_id, unit_id, bucket_at, readings, in_range, sum_celsius, minimum_celsius, maximum_celsius)
  SELECT u.organisation_id, r.unit_id, date_bin('10 minutes', r.taken_at, 'epoch') AS bucket_at, count(*),
    count(*) FILTER (WHERE r.in_range), sum(r.celsius), min(r.celsius), max(r.celsius)
  FROM readings r JOIN units u ON u.id = r.unit_id
  WHERE r.taken_at BETWEEN $1 AND $2
  GROUP BY u.organisation_id, r.unit_id, bucket_at ORDER BY u.organisation_id, r.unit_id, bucket_at
  ON CONFLICT DO NOTHING`

/** Each warm hour of the past was seen and dealt with. */
const INSERT_ALERTS = `
  INSERT INTO alerts (organisation_id, site_id, unit_id, kind, severity, status, celsius, raised_at, acknowledged_at, resolved_at)
  SELECT u.organisation_id, u.site_id, u.id, 'temperature',
    CASE WHEN max(r.celsius) > u.maximum_celsius + u.critical_margin THEN 'critical' ELSE 'warning' END, 'resolved', max(r.celsius),
    min(r.taken_at), min(r.taken_at) + interval '4 minutes', max(r.taken_at) + interval '10 minutes'
  FROM readings r JOIN units u ON u.id = r.unit_id
  WHERE r.taken_at BETWEEN $1 AND $2 AND NOT r.in_range
  GROUP BY u.id, date_trunc('hour', r.taken_at)`
