CREATE TABLE alerts (
  id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id text NOT NULL REFERENCES organisations,
  site_id         integer NOT NULL REFERENCES sites,
  unit_id         integer NOT NULL REFERENCES units,
  kind            text NOT NULL CHECK (kind IN ('temperature', 'offline')),
  severity        text NOT NULL CHECK (severity IN ('warning', 'critical')),
  status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'acknowledged', 'resolved')),
  celsius         double precision,
  raised_at       timestamptz NOT NULL,
  acknowledged_at timestamptz,
  resolved_at     timestamptz
);
-- At most one open alert of a kind for a unit, whoever writes at the same time.
CREATE UNIQUE INDEX alerts_open_once ON alerts (unit_id, kind) WHERE status <> 'resolved';
CREATE INDEX alerts_open ON alerts (organisation_id, raised_at DESC) WHERE status <> 'resolved';
CREATE INDEX alerts_resolved ON alerts (organisation_id, resolved_at) WHERE status = 'resolved';
CREATE INDEX alerts_history ON alerts (organisation_id, id);
