-- Completeness from hours: which numbers of each stream came in an hour, counted once it is over. Asked for whole hours, as
-- every KPI does, kpi.completeness_between reads these and no raw row; asked for minutes it counts raw rows as before.

CREATE TABLE kpi.stream_hour (
    bucket     timestamptz NOT NULL,
    site       text NOT NULL,
    domain     text NOT NULL,
    type       text NOT NULL,
    asset      text NOT NULL,
    source     text NOT NULL,
    bootid     text,
    received   bigint NOT NULL,
    unnumbered bigint NOT NULL,
    first      bigint,
    last       bigint,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL
);
CREATE INDEX stream_hour_domain_bucket ON kpi.stream_hour (domain, bucket);

-- Hours with new events, as in kpi.stale_hour; the newest one of each domain stays.
CREATE TABLE kpi.stale_stream (
    domain text NOT NULL,
    bucket timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);

CREATE FUNCTION kpi.stream_hours(of_domain text, hour timestamptz) RETURNS SETOF kpi.stream_hour
LANGUAGE sql STABLE
SET jit = off
AS $$
    SELECT c.bucket, c.site, c.domain, c.type, c.asset, c.source, c.bootid, c.received, c.unnumbered, c.first, c.last,
           c.first_at, c.last_at
    FROM kpi.stream_counts(INTERVAL '1 hour', hour, hour + INTERVAL '1 hour', of_domain) AS c
$$;

-- kpi.stream_counts of whole hours: as they are stored, or, where they are marked, from their events.
CREATE FUNCTION kpi.stream_hours_known(since timestamptz, until timestamptz, of_domain text)
RETURNS TABLE (
    site text, domain text, type text, asset text, source text, bootid text, bucket timestamptz, received bigint,
    unnumbered bigint, first bigint, last bigint, first_at timestamptz, last_at timestamptz
)
LANGUAGE sql STABLE
AS $$
    WITH stale AS MATERIALIZED (
        SELECT DISTINCT s.domain, s.bucket FROM kpi.stale_stream AS s
        WHERE s.bucket >= since AND s.bucket < until AND (of_domain IS NULL OR s.domain = of_domain)
    ), known AS (
        SELECT h.* FROM kpi.stream_hour AS h
        WHERE h.bucket >= since AND h.bucket < until AND (of_domain IS NULL OR h.domain = of_domain)
            AND NOT EXISTS (SELECT FROM stale AS s WHERE s.domain = h.domain AND s.bucket = h.bucket)
        UNION ALL
        SELECT h.* FROM stale AS s CROSS JOIN LATERAL kpi.stream_hours(s.domain, s.bucket) AS h
    )
    SELECT k.site, k.domain, k.type, k.asset, k.source, k.bootid, k.bucket, k.received, k.unnumbered, k.first, k.last,
           k.first_at, k.last_at
    FROM known AS k
$$;

-- Stores one hour of a domain anew, unless raw rows of it are gone.
CREATE FUNCTION kpi.store_streams(of_domain text, hour timestamptz) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    raw_tables text[] := CASE of_domain
        WHEN 'crane' THEN ARRAY['port.crane_sample', 'port.crane_status', 'port.crane_fault', 'port.crane_job', 'port.crane_assignment']
        WHEN 'gate' THEN ARRAY['port.gate_step', 'port.ocr_read']
        WHEN 'cell' THEN ARRAY['port.cell_measurement', 'port.cell_alarm_event', 'port.cell_heartbeat']
        WHEN 'device' THEN ARRAY['port.radio_sample', 'port.device_trip']
        WHEN 'cargo' THEN ARRAY['port.cargo_milestone'] ELSE ARRAY['port.vessel_milestone'] END;
BEGIN
    IF EXISTS (SELECT FROM ingest.retired AS r WHERE r.table_name = ANY (raw_tables) AND r.to_time > hour) THEN
        RETURN;
    END IF;
    DELETE FROM kpi.stream_hour AS h WHERE h.domain = of_domain AND h.bucket = hour;
    INSERT INTO kpi.stream_hour SELECT * FROM kpi.stream_hours(of_domain, hour);
END
$$;

-- As in 0031; of whole hours from the table above.
CREATE OR REPLACE FUNCTION kpi.completeness_between(
    width interval, since timestamptz, until timestamptz, of_domain text DEFAULT NULL
)
RETURNS TABLE (
    site text, domain text, asset text, source text, bucket timestamptz, received bigint, expected bigint, unnumbered bigint
)
LANGUAGE sql STABLE
SET jit = off
AS $$
    WITH counted AS MATERIALIZED (
        SELECT * FROM kpi.stream_counts(width, since - INTERVAL '1 day', until + INTERVAL '1 day', of_domain)
        WHERE width <> INTERVAL '1 hour'
        UNION ALL
        SELECT * FROM kpi.stream_hours_known(
            date_trunc('hour', since - INTERVAL '1 day', 'UTC'), until + INTERVAL '1 day', of_domain
        )
        WHERE width = INTERVAL '1 hour'
    ), ordered AS (
        SELECT c.*, max(c.last) OVER earlier AS before, max(c.last_at) OVER earlier AS before_at
        FROM counted AS c WHERE c.received > 0
        WINDOW earlier AS (
            PARTITION BY c.type, c.asset, c.source, c.bootid ORDER BY c.first, c.bucket
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    ), clustered AS (
        SELECT o.*, count(*) FILTER (WHERE o.before IS NULL OR o.first > o.before) OVER (
            PARTITION BY o.type, o.asset, o.source, o.bootid ORDER BY o.first, o.bucket
        ) AS cluster
        FROM ordered AS o
    ), holes AS (
        SELECT c.site, c.domain, c.asset, c.source, min(c.first_at) AS from_at, min(c.first_at) AS to_at,
               max(c.last) - min(c.first) + 1 - sum(c.received) AS n
        FROM clustered AS c GROUP BY c.site, c.domain, c.type, c.asset, c.source, c.bootid, c.cluster
        UNION ALL
        SELECT o.site, o.domain, o.asset, o.source, least(o.before_at, o.first_at), o.first_at, o.first - o.before - 1
        FROM ordered AS o
        UNION ALL
        SELECT o.site, o.domain, o.asset, o.source, o.first_at, o.first_at, o.first - 1
        FROM ordered AS o
        JOIN ingest.sequence_gap AS g ON g.source = o.source AND g.bootid = o.bootid AND g.subject = o.asset
            AND g.type LIKE 'io.quaystream.' || o.type || '.v%' AND g.from_sequence = 1 AND g.to_sequence = o.first - 1
            AND g.filled_at IS NULL
        WHERE o.before IS NULL
    ), spread AS (
        SELECT h.site, h.domain, h.asset, h.source, b.bucket,
               kpi.numbers_before(b.bucket + width, h.from_at, h.to_at, h.n)
               - kpi.numbers_before(b.bucket, h.from_at, h.to_at, h.n) AS missing
        FROM holes AS h
        CROSS JOIN LATERAL generate_series(
            time_bucket(width, h.from_at), time_bucket(width, h.to_at), width
        ) AS b (bucket)
        WHERE h.n > 0
    ), both_sides AS (
        SELECT c.site, c.domain, c.asset, c.source, c.bucket, c.received, c.received AS expected, c.unnumbered
        FROM counted AS c
        UNION ALL
        SELECT s.site, s.domain, s.asset, s.source, s.bucket, 0, s.missing, 0 FROM spread AS s WHERE s.missing > 0
    )
    SELECT b.site, b.domain, b.asset, b.source, b.bucket, sum(b.received)::bigint,
           CASE WHEN sum(b.expected) > 0 THEN sum(b.expected)::bigint END, sum(b.unnumbered)::bigint
    FROM both_sides AS b WHERE b.bucket >= since AND b.bucket < until GROUP BY 1, 2, 3, 4, 5
$$;

-- kpi.completeness by the hour, from the hours that are stored: of a month in seconds.
CREATE VIEW kpi.completeness_hourly AS
SELECT c.site, c.domain, c.asset, c.bucket, c.received, c.expected, c.received::float8 / c.expected::float8 AS completeness,
       c.source, c.unnumbered
FROM kpi.completeness_between(INTERVAL '1 hour', '-infinity', 'infinity') AS c;

-- What is there already is stored by the first workers, some hours at a time.
INSERT INTO kpi.stale_stream (domain, bucket)
SELECT e.domain, generate_series(date_trunc('hour', min(e.at), 'UTC'), date_trunc('hour', max(e.at), 'UTC'), INTERVAL '1 hour')
FROM (
    SELECT 'crane' AS domain, unnest(ARRAY[min(time), max(time)]) AS at FROM port.crane_sample
    UNION ALL SELECT 'crane', unnest(ARRAY[min(time), max(time)]) FROM port.crane_status
    UNION ALL SELECT 'crane', unnest(ARRAY[min(time), max(time)]) FROM port.crane_fault
    UNION ALL SELECT 'crane', unnest(ARRAY[min(time), max(time)]) FROM port.crane_job
    UNION ALL SELECT 'crane', unnest(ARRAY[min(time), max(time)]) FROM port.crane_assignment
    UNION ALL SELECT 'gate', unnest(ARRAY[min(time), max(time)]) FROM port.gate_step
    UNION ALL SELECT 'gate', unnest(ARRAY[min(time), max(time)]) FROM port.ocr_read
    UNION ALL SELECT 'cell', unnest(ARRAY[min(time), max(time)]) FROM port.cell_measurement
    UNION ALL SELECT 'cell', unnest(ARRAY[min(time), max(time)]) FROM port.cell_alarm_event
    UNION ALL SELECT 'cell', unnest(ARRAY[min(time), max(time)]) FROM port.cell_heartbeat
    UNION ALL SELECT 'device', unnest(ARRAY[min(time), max(time)]) FROM port.radio_sample
    UNION ALL SELECT 'device', unnest(ARRAY[min(time), max(time)]) FROM port.device_trip
    UNION ALL SELECT 'cargo', unnest(ARRAY[min(time), max(time)]) FROM port.cargo_milestone
    UNION ALL SELECT 'vessel', unnest(ARRAY[min(time), max(time)]) FROM port.vessel_milestone
) AS e
WHERE e.at IS NOT NULL GROUP BY e.domain;

GRANT SELECT, INSERT, DELETE ON kpi.stale_stream, kpi.stream_hour TO quaystream_worker;
GRANT SELECT ON kpi.stale_stream, kpi.stream_hour, kpi.completeness_hourly TO quaystream_reader;
REVOKE ALL ON FUNCTION
    kpi.stream_hours(text, timestamptz), kpi.stream_hours_known(timestamptz, timestamptz, text),
    kpi.store_streams(text, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.stream_hours(text, timestamptz), kpi.stream_hours_known(timestamptz, timestamptz, text)
TO quaystream_reader;
GRANT EXECUTE ON FUNCTION
    kpi.stream_counts(interval, timestamptz, timestamptz, text), kpi.stream_hours(text, timestamptz),
    kpi.store_streams(text, timestamptz)
TO quaystream_worker;
