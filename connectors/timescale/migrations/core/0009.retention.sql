-- Retention that keeps the ledger true: what is removed is counted first, in the same transaction.
-- drop_chunks needs the owner, so these run with the owner's rights and accept nothing but the tables named here.

-- Rows and records per partition of one chunk. One record may have made several rows; `fed_by` is its topic.
CREATE FUNCTION ingest.count_chunk(chunk text, fed_by text, one text, OUT rows bigint, OUT records jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format(
        'SELECT coalesce(sum(n), 0)::bigint, '
        || 'coalesce(jsonb_agg(jsonb_build_object(''topic'', topic, ''partition'', partition, ''records'', records)), ''[]'') '
        || 'FROM (SELECT %s AS topic, partition, count(*) AS n, count(%s) AS records FROM %s GROUP BY 1, 2) AS counted',
        fed_by, one, chunk) INTO rows, records;
END
$$;

-- Drops the whole chunks of one raw table (or of the dead letters) that end at or before `older_than`.
-- One row per chunk goes to ingest.retired, with its records per partition. Answers the rows removed.
CREATE FUNCTION ingest.retire(table_name text, older_than timestamptz) RETURNS bigint
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
    SELECT quote_literal(r.topic) INTO fed_by FROM ingest.raw_table AS r WHERE r.table_name = retire.table_name;
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

-- Forgets lost ranges, gaps and ended pauses noticed before `older_than`, and streams idle since before `idle_since`:
-- what they could still send is refused for its age, so nobody asks for their numbers.
-- Lost ranges count in the ledger as `missing`, so their sum moves to ingest.retired. Answers the rows removed.
CREATE FUNCTION ingest.forget(older_than timestamptz, idle_since timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    total   bigint := 0;
    removed bigint;
BEGIN
    WITH gone AS (
        DELETE FROM ingest.lost_range WHERE noticed_at < older_than RETURNING *
    ), counted AS (
        SELECT topic, partition, count(*) AS n, sum(to_offset - from_offset)::bigint AS records,
               min(noticed_at) AS from_time, max(noticed_at) AS to_time
        FROM gone GROUP BY topic, partition
    )
    INSERT INTO ingest.retired (table_name, from_time, to_time, rows, records)
    SELECT 'ingest.lost_range', min(from_time), max(to_time), sum(n),
           jsonb_agg(jsonb_build_object('topic', topic, 'partition', partition, 'records', records))
    FROM counted HAVING count(*) > 0
    RETURNING rows INTO removed;
    total := total + coalesce(removed, 0);
    DELETE FROM ingest.sequence_gap WHERE coalesce(filled_at, noticed_at) < older_than;
    GET DIAGNOSTICS removed = ROW_COUNT;
    total := total + removed;
    DELETE FROM ingest.sequence_stream WHERE updated_at < idle_since;
    GET DIAGNOSTICS removed = ROW_COUNT;
    total := total + removed;
    DELETE FROM ingest.partition_pause WHERE resumed_at < older_than;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN total + removed;
END
$$;
REVOKE ALL ON FUNCTION ingest.count_chunk(text, text, text), ingest.retire(text, timestamptz), ingest.forget(timestamptz, timestamptz)
FROM PUBLIC;
