-- Rows of history have a negative partition: -1-p is partition p of the back-fill topic of the table's event topic
-- (schemas/backfill.py). What retention removes of them is counted there.

-- As in 0009, with the partition as its topic numbers it.
CREATE OR REPLACE FUNCTION ingest.count_chunk(chunk text, fed_by text, one text, OUT rows bigint, OUT records jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format(
        'SELECT coalesce(sum(n), 0)::bigint, '
        || 'coalesce(jsonb_agg(jsonb_build_object(''topic'', topic, ''partition'', partition, ''records'', records)), ''[]'') '
        || 'FROM (SELECT %s AS topic, CASE WHEN partition < 0 THEN -1 - partition ELSE partition END AS partition, '
        || 'count(*) AS n, count(%s) AS records FROM %s GROUP BY 1, 2) AS counted',
        fed_by, one, chunk) INTO rows, records;
END
$$;

-- As in 0009, but that the rows of a raw table are fed by two topics.
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
        total := total + removed.rows;
    END LOOP;
    RETURN total;
END
$$;
