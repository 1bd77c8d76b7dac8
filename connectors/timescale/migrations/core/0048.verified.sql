-- What `verify` has looked at, so that it need not look again until something changes (docs/adr/0026).

-- Hours of raw tables that the ingest transaction wrote to, appended. Not in ingest.stale_hour: the version before adds up
-- whatever stands there.
CREATE TABLE ingest.written_hour (
    table_name text NOT NULL,
    bucket     timestamptz NOT NULL
);

-- Hours of raw and hour tables that were written to since they were last looked at. The ingest transaction says so in
-- ingest.stale_hour and ingest.written_hour; whoever adds up the hours passes it on to here. `version` grows with every time:
-- who has looked takes away only what he had seen.
CREATE TABLE ingest.unverified (
    table_name text NOT NULL,
    bucket     timestamptz NOT NULL,
    version    bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (table_name, bucket)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);

-- What an hour of a raw table held when it was looked at: rows, records by partition as the rows number it, and a digest of
-- every column that is not personal.
CREATE TABLE ingest.verified (
    table_name  text NOT NULL,
    bucket      timestamptz NOT NULL,
    rows        bigint NOT NULL,
    records     jsonb NOT NULL,
    digest      text NOT NULL,
    verified_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_name, bucket)
);

-- When a whole day of a table, or of a kind of facts, was last read again from its raw rows.
CREATE TABLE ingest.verified_day (
    name        text NOT NULL,
    day         timestamptz NOT NULL,
    verified_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, day)
);

-- How verification stands: `differences` are those of the last run that ended, `found` those of the nightly one so far.
-- Until a run has succeeded, `succeeded_at` is null and `known_since` says since when one could have.
CREATE TABLE ingest.verification (
    scope        text PRIMARY KEY CHECK (scope IN ('incremental', 'nightly')),
    known_since  timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    succeeded_at timestamptz,
    seconds      double precision,
    hours        bigint NOT NULL DEFAULT 0,
    rows         bigint NOT NULL DEFAULT 0,
    left_out     text[] NOT NULL DEFAULT '{}',
    differences  text[] NOT NULL DEFAULT '{}',
    found        text[] NOT NULL DEFAULT '{}'
);
INSERT INTO ingest.verification (scope) VALUES ('incremental'), ('nightly');

-- What is there already has never been looked at.
INSERT INTO ingest.unverified (table_name, bucket)
SELECT r.table_name, hour.bucket
FROM ingest.raw_table AS r
JOIN timescaledb_information.chunks AS c ON c.hypertable_schema || '.' || c.hypertable_name = r.table_name,
     generate_series(c.range_start, c.range_end - INTERVAL '1 hour', INTERVAL '1 hour') AS hour(bucket)
ON CONFLICT DO NOTHING;
INSERT INTO ingest.unverified (table_name, bucket) SELECT DISTINCT 'port.crane_hour', bucket FROM port.crane_hour;
INSERT INTO ingest.unverified (table_name, bucket) SELECT DISTINCT 'port.gate_hour', bucket FROM port.gate_hour;
INSERT INTO ingest.unverified (table_name, bucket) SELECT DISTINCT 'port.cell_hour', bucket FROM port.cell_hour;
INSERT INTO ingest.unverified (table_name, bucket) SELECT DISTINCT 'port.radio_hour', bucket FROM port.radio_hour;

GRANT SELECT, INSERT, DELETE ON ingest.written_hour TO quaystream_worker;
GRANT SELECT ON ingest.written_hour TO quaystream_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest.unverified, ingest.verified, ingest.verified_day TO quaystream_worker;
GRANT SELECT, UPDATE ON ingest.verification TO quaystream_worker;
GRANT SELECT ON ingest.unverified, ingest.verified, ingest.verified_day, ingest.verification TO quaystream_reader;

-- As in 0019, and what is removed is forgotten here too: its counts stand in ingest.retired.
CREATE OR REPLACE FUNCTION ingest.retire(table_name text, older_than timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    fed_by  text;
    one     text := 'DISTINCT (record_offset, source, event_id)';
    chunk   record;
    removed record;
    present bigint;
    total   bigint := 0;
BEGIN
    SELECT format('CASE WHEN partition < 0 THEN %L ELSE %L END', r.topic || '-backfill', r.topic) INTO fed_by
    FROM ingest.raw_table AS r WHERE r.table_name = retire.table_name;
    IF retire.table_name = 'ingest.dead_letter' THEN
        fed_by := 'topic';
        one := '*';
    ELSIF fed_by IS NULL THEN
        RAISE EXCEPTION 'ingest.retire: % is not a raw table', retire.table_name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- One at a time: every worker has a timer.
    PERFORM pg_advisory_xact_lock(hashtext('ingest.retire'));
    FOR chunk IN
        SELECT format('%I.%I', c.chunk_schema, c.chunk_name) AS name, c.range_start, c.range_end
        FROM timescaledb_information.chunks AS c
        WHERE format('%s.%s', c.hypertable_schema, c.hypertable_name) = retire.table_name AND c.range_end <= older_than
        ORDER BY c.range_start
    LOOP
        -- The long count runs beside the writers. Then they wait before they look for a chunk (one that is dropped
        -- under them fails), and as rows are only ever added, an equal number means that they are the same.
        SELECT * INTO removed FROM ingest.count_chunk(chunk.name, fed_by, one);
        EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', retire.table_name);
        EXECUTE format('SELECT count(*) FROM %s', chunk.name) INTO present;
        IF present <> removed.rows THEN
            SELECT * INTO removed FROM ingest.count_chunk(chunk.name, fed_by, one);
        END IF;
        PERFORM drop_chunks(retire.table_name::regclass, newer_than => chunk.range_start, older_than => chunk.range_end);
        INSERT INTO ingest.retired (table_name, from_time, to_time, rows, records)
        VALUES (retire.table_name, chunk.range_start, chunk.range_end, removed.rows, removed.records);
        DELETE FROM ingest.verified AS v
        WHERE v.table_name = retire.table_name AND v.bucket >= chunk.range_start AND v.bucket < chunk.range_end;
        DELETE FROM ingest.verified_day AS v
        WHERE v.name = retire.table_name AND v.day >= chunk.range_start AND v.day < chunk.range_end;
        total := total + removed.rows;
    END LOOP;
    RETURN total;
END
$$;
