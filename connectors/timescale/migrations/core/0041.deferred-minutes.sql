-- Minutes of reports that are many are kept as one row and added up a moment later: a file of a radio network makes a
-- minute for nearly every value it holds, and putting those into a unique index takes longer than storing the values.
-- Appended by the transaction that stored the reports, taken away by the one that has added them up.
CREATE TABLE ingest.deferred_minutes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL,
    buckets    timestamptz[] NOT NULL,
    deltas     integer NOT NULL,
    payload    bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 500);
-- Compressed before it comes here.
ALTER TABLE ingest.deferred_minutes ALTER COLUMN payload SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, DELETE ON ingest.deferred_minutes TO quaystream_worker;
GRANT SELECT ON ingest.deferred_minutes TO quaystream_reader;
