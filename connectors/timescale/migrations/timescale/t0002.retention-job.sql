-- Retention on the server's own timer. Not add_retention_policy: that drops without counting, and the ledger must add up.
-- Does what `quaystream retention` does, once the worker has written what is to be kept; evidence is kept for a year.
-- Commits after each table, because a writer waits for as long as a chunk of its table is being dropped.

CREATE PROCEDURE ingest.retire_due(job_id integer, config jsonb)
LANGUAGE plpgsql
AS $$
DECLARE
    kept     interval;
    evidence interval;
    source   record;
BEGIN
    SELECT make_interval(secs => max((value #>> '{}')::double precision)) INTO kept
    FROM ingest.setting WHERE name IN ('raw_retention_s', 'max_age_s');
    IF kept IS NULL THEN
        RETURN;
    END IF;
    FOR source IN SELECT table_name FROM ingest.raw_table ORDER BY table_name LOOP
        PERFORM ingest.retire(source.table_name, now() - kept);
        COMMIT;
    END LOOP;
    evidence := greatest(kept, INTERVAL '365 days');
    PERFORM ingest.retire('ingest.dead_letter', now() - evidence);
    COMMIT;
    PERFORM ingest.forget(now() - evidence, now() - kept);
END
$$;
REVOKE ALL ON PROCEDURE ingest.retire_due(integer, jsonb) FROM PUBLIC;
SELECT add_job('ingest.retire_due', INTERVAL '1 hour');
