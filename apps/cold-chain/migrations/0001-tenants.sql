CREATE TABLE organisations (
  id         text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
  name       text NOT NULL,
  -- Grows by one with every transaction that changes what a dashboard of this organisation shows. Every answer carries
  -- it, so a client can prove that an answer is not older than the event it has seen.
  version    bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE members (
  id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id text NOT NULL REFERENCES organisations,
  name            text NOT NULL,
  role            text NOT NULL CHECK (role IN ('owner', 'manager', 'staff'))
);
CREATE INDEX members_by_organisation ON members (organisation_id);

CREATE TABLE sites (
  id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id text NOT NULL REFERENCES organisations,
  name            text NOT NULL
);
CREATE INDEX sites_by_organisation ON sites (organisation_id);
