-- Rows that every reading updates keep free room in their page, so that the update stays in it (HOT) and no index grows.
CREATE TABLE units (
  id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id text NOT NULL REFERENCES organisations,
  site_id         integer NOT NULL REFERENCES sites,
  name            text NOT NULL,
  kind            text NOT NULL CHECK (kind IN ('fridge', 'cold-room', 'freezer', 'ultra-low')),
  minimum_celsius double precision NOT NULL,
  maximum_celsius double precision NOT NULL CHECK (maximum_celsius > minimum_celsius),
  critical_margin double precision NOT NULL CHECK (critical_margin > 0),
  state           text NOT NULL DEFAULT 'normal' CHECK (state IN ('normal', 'warning', 'critical', 'offline')),
  state_since     timestamptz NOT NULL DEFAULT now(),
  celsius         double precision,
  reading_at      timestamptz,
  version         bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX units_by_organisation ON units (organisation_id);

CREATE TABLE devices (
  id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id text NOT NULL REFERENCES organisations,
  unit_id         integer NOT NULL REFERENCES units,
  serial          text NOT NULL UNIQUE,
  online          boolean NOT NULL DEFAULT true,
  seen_at         timestamptz
) WITH (fillfactor = 70);
CREATE INDEX devices_by_organisation ON devices (organisation_id);
CREATE INDEX devices_by_unit ON devices (unit_id);

CREATE TABLE readings (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  unit_id   integer NOT NULL,
  device_id integer NOT NULL,
  taken_at  timestamptz NOT NULL,
  celsius   double precision NOT NULL,
  in_range  boolean NOT NULL
);
CREATE INDEX readings_by_unit ON readings (unit_id, taken_at);

-- Ten minutes of one unit, kept up in the transaction that stores the reading: dashboards read 144 rows a unit and day
-- instead of every reading.
CREATE TABLE reading_rollups (
  organisation_id text NOT NULL,
  unit_id         integer NOT NULL,
  bucket_at       timestamptz NOT NULL,
  readings        integer NOT NULL,
  in_range        integer NOT NULL,
  sum_celsius     double precision NOT NULL,
  minimum_celsius double precision NOT NULL,
  maximum_celsius double precision NOT NULL,
  PRIMARY KEY (organisation_id, unit_id, bucket_at)
) WITH (fillfactor = 80);
