-- Sites that come without a release: what `quaystream onboard` wrote, beside what `quaystream migrate` knows of itself.
-- A site that stands in port.onboarded belongs to its file: migrate leaves it and its assets alone.

CREATE TABLE port.onboarded (
    site_id    text PRIMARY KEY,
    sla        text[] NOT NULL,
    retention  jsonb NOT NULL,
    digest     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT session_user
);
COMMENT ON COLUMN port.onboarded.digest IS 'SHA-256 of what the file said';

-- Who speaks for a site. Passwords and keys are files of whoever runs the gateway, never rows.
CREATE TABLE port.gateway (
    source      text PRIMARY KEY,
    site_id     text NOT NULL REFERENCES port.onboarded,
    principal   text NOT NULL UNIQUE,
    proof       text NOT NULL CHECK (proof IN ('password', 'certificate')),
    topics      text[] NOT NULL,
    bytes_per_s bigint
);
CREATE INDEX gateway_site ON port.gateway (site_id);

GRANT SELECT ON port.onboarded, port.gateway TO quaystream_worker, quaystream_reader;
