-- Since when an alert waits for somebody: it was raised then, or became worse. In whole milliseconds, so that a job can
-- name the very moment.
ALTER TABLE alerts ADD COLUMN pending_since timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now());
UPDATE alerts SET pending_since = date_trunc('milliseconds', raised_at);
-- Nobody came.
ALTER TABLE alerts ADD COLUMN escalated_at timestamptz;
CREATE INDEX alerts_waiting ON alerts (pending_since) WHERE status = 'pending' AND escalated_at IS NULL;
