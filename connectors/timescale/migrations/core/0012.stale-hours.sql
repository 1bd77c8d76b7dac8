-- Hours are added up from their minutes a moment later, not in every transaction: one that touched every crane spent a
-- third of its time on them. What is to be added up is appended here by the transaction that wrote the minutes, and
-- taken away by the one that has added them up: no unique index, so that nobody waits.
CREATE TABLE ingest.stale_hour (
    table_name text NOT NULL,
    bucket     timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);
GRANT SELECT, INSERT, DELETE ON ingest.stale_hour TO quaystream_worker;
GRANT SELECT ON ingest.stale_hour TO quaystream_reader;

-- The minutes of an hour, of all assets.
CREATE INDEX crane_minute_bucket ON port.crane_minute (bucket);
CREATE INDEX gate_minute_bucket ON port.gate_minute (bucket);
CREATE INDEX cell_minute_bucket ON port.cell_minute (bucket);
CREATE INDEX radio_minute_bucket ON port.radio_minute (bucket);
