-- What has changed this schema, and whether a program that does not know a change may go on (expand) or not (contract):
-- a worker of any version reads here what it stands on. Written by `quaystream migrate`.
CREATE TABLE ingest.schema_change (
    id         text PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('expand', 'contract')),
    noticed_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON ingest.schema_change TO quaystream_worker, quaystream_reader;
