-- What must be folded again, how the raw rows of a key are found, and who may do it.

-- Appended by the ingest transaction, taken away by the transaction that has folded the key: no unique index, so that
-- ingest never waits here.
CREATE TABLE ingest.refold (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind      text NOT NULL,
    key       text NOT NULL,
    from_time timestamptz NOT NULL,
    to_time   timestamptz NOT NULL,
    reason    text NOT NULL DEFAULT 'late' CHECK (reason IN ('late', 'definition')),
    marked_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 5000);
CREATE INDEX refold_key ON ingest.refold (kind, key);

-- Keys whose fold failed: tried again at `retry_at`, in the way of nobody meanwhile.
CREATE TABLE ingest.refold_failure (
    kind      text NOT NULL,
    key       text NOT NULL,
    failures  bigint NOT NULL,
    detail    text NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT now(),
    retry_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, key)
);

-- The newest event time folded at a site: what is open is judged by it, never by the clock on the wall.
CREATE TABLE ingest.site_clock (
    site   text PRIMARY KEY,
    newest timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX gate_step_site_visit_id ON port.gate_step (site, visit_id);
CREATE INDEX ocr_read_site_visit_id ON port.ocr_read (site, visit_id);
CREATE INDEX cargo_milestone_site_equipment_reference ON port.cargo_milestone (site, equipment_reference);
CREATE INDEX vessel_milestone_site_call_id ON port.vessel_milestone (site, call_id);
CREATE INDEX dead_letter_replayed ON ingest.dead_letter (source, event_id) WHERE replayed_at IS NOT NULL;

-- What cameras read, without plates: those are personal, and no fold needs more than whether they were corrected.
CREATE VIEW port.ocr_read_impersonal WITH (security_barrier) AS
SELECT
    time, gate_id, site, source, event_id, bootid, sequence, partition, record_offset, visit_id, lane, kind,
    CASE kind WHEN 'plate' THEN '' ELSE value END AS value,
    confidence,
    CASE WHEN kind <> 'plate' THEN corrected_value WHEN corrected_value = value THEN ''
         WHEN corrected_value IS NOT NULL THEN '*' END
        AS corrected_value
FROM port.ocr_read;

GRANT USAGE ON SCHEMA kpi TO quaystream_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    port.crane_cycle, port.gate_visit, port.cargo_visit, port.vessel_call,
    ingest.refold, ingest.refold_failure
TO quaystream_worker;
GRANT SELECT, INSERT, UPDATE ON ingest.site_clock TO quaystream_worker;
GRANT SELECT, INSERT ON kpi.restatement TO quaystream_worker;
GRANT SELECT ON port.ocr_read_impersonal TO quaystream_worker;
GRANT SELECT ON
    port.crane_cycle, port.gate_visit, port.cargo_visit, port.vessel_call, kpi.restatement,
    ingest.refold, ingest.refold_failure, ingest.site_clock
TO quaystream_reader;

-- As in 0009, and restatements, which are evidence too. Facts stay; among those known at a time longer ago than
-- evidence is kept, one that was restated since is missing.
CREATE OR REPLACE FUNCTION ingest.forget(older_than timestamptz, idle_since timestamptz) RETURNS bigint
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
    total := total + removed;
    DELETE FROM kpi.restatement WHERE changed_at < older_than;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN total + removed;
END
$$;
