-- How complete events are: per source, asset and minute what came and what the numbers say was sent. Made of the raw rows
-- alone, so nothing is written for it: a number that comes late is a row more in its own minute and a hole less.

-- The events of one stream (type, asset, source, boot) per bucket: how many carry numbers, which, and how many carry none.
CREATE FUNCTION kpi.stream_counts(
    width interval, since timestamptz, until timestamptz, of_domain text DEFAULT NULL
)
RETURNS TABLE (
    site text, domain text, type text, asset text, source text, bootid text, bucket timestamptz, received bigint,
    unnumbered bigint, first bigint, last bigint, first_at timestamptz, last_at timestamptz
)
LANGUAGE sql STABLE
AS $$
    WITH told AS (
        SELECT r.site, 'crane' AS domain, 'crane.sample' AS type, r.crane_id AS asset, r.source, r.bootid, r.time, r.sequence
        FROM port.crane_sample AS r WHERE (of_domain IS NULL OR of_domain = 'crane') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'crane', 'crane.status', r.crane_id, r.source, r.bootid, r.time, r.sequence
        FROM port.crane_status AS r WHERE (of_domain IS NULL OR of_domain = 'crane') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'crane', 'crane.fault', r.crane_id, r.source, r.bootid, r.time, r.sequence
        FROM port.crane_fault AS r WHERE (of_domain IS NULL OR of_domain = 'crane') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'crane', 'crane.job', r.crane_id, r.source, r.bootid, r.time, r.sequence
        FROM port.crane_job AS r WHERE (of_domain IS NULL OR of_domain = 'crane') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'crane', 'crane.assignment', r.crane_id, r.source, r.bootid, r.time, r.sequence
        FROM port.crane_assignment AS r WHERE (of_domain IS NULL OR of_domain = 'crane') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'gate', 'gate.step', r.gate_id, r.source, r.bootid, r.time, r.sequence
        FROM port.gate_step AS r WHERE (of_domain IS NULL OR of_domain = 'gate') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'gate', 'gate.ocr', r.gate_id, r.source, r.bootid, r.time, r.sequence
        FROM port.ocr_read AS r WHERE (of_domain IS NULL OR of_domain = 'gate') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'cell', 'cell.measurement', r.cell_id, r.source, r.bootid, r.time, min(r.sequence)
        FROM port.cell_measurement AS r WHERE (of_domain IS NULL OR of_domain = 'cell') AND r.time >= since AND r.time < until
        GROUP BY 1, 4, 5, 6, 7, r.event_id
        UNION ALL
        SELECT r.site, 'device', 'cell.radio', r.device_id, r.source, r.bootid, r.time, r.sequence
        FROM port.radio_sample AS r WHERE (of_domain IS NULL OR of_domain = 'device') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'cell', 'cell.alarm', r.cell_id, r.source, r.bootid, r.time, r.sequence
        FROM port.cell_alarm_event AS r WHERE (of_domain IS NULL OR of_domain = 'cell') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'cell', 'cell.heartbeat', r.cell_id, r.source, r.bootid, r.time, r.sequence
        FROM port.cell_heartbeat AS r WHERE (of_domain IS NULL OR of_domain = 'cell') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'device', 'cell.trip', r.device_id, r.source, r.bootid, r.time, r.sequence
        FROM port.device_trip AS r WHERE (of_domain IS NULL OR of_domain = 'device') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'cargo', 'cargo.milestone', r.cargo_id, r.source, r.bootid, r.time, r.sequence
        FROM port.cargo_milestone AS r WHERE (of_domain IS NULL OR of_domain = 'cargo') AND r.time >= since AND r.time < until
        UNION ALL
        SELECT r.site, 'vessel', 'vessel.milestone', r.vessel_id, r.source, r.bootid, r.time, r.sequence
        FROM port.vessel_milestone AS r WHERE (of_domain IS NULL OR of_domain = 'vessel') AND r.time >= since AND r.time < until
    )
    SELECT t.site, t.domain, t.type, t.asset, t.source, t.bootid, time_bucket(width, t.time),
           count(t.sequence) FILTER (WHERE t.bootid IS NOT NULL),
           count(*) FILTER (WHERE t.bootid IS NULL OR t.sequence IS NULL),
           min(t.sequence) FILTER (WHERE t.bootid IS NOT NULL), max(t.sequence) FILTER (WHERE t.bootid IS NOT NULL),
           min(t.time), max(t.time)
    FROM told AS t GROUP BY 1, 2, 3, 4, 5, 6, 7
$$;

-- Of n numbers spread evenly over the time between two moments, number k after k / (n + 1) of it: those before x.
CREATE FUNCTION kpi.numbers_before(x timestamptz, from_at timestamptz, to_at timestamptz, n numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN x <= from_at THEN 0 WHEN x > to_at THEN n
        ELSE ceil(extract(epoch FROM x - from_at) * (n + 1) / extract(epoch FROM to_at - from_at)) - 1 END
$$;

-- What came and what was expected in the buckets that begin in [since, until). `expected` is null where nothing is numbered:
-- then nobody knows what is missing.
--   * Numbers missing between two that came are spread evenly over the time between them.
--   * Numbers missing before the first of a boot (ingest.sequence_gap knows them) count where the first one came.
--   * Numbers are taken in their own order, not in that of time: a clock that stepped back makes no hole.
-- Looks a day to both sides: a longer hole is known to who asks for a day more on each.
CREATE FUNCTION kpi.completeness_between(
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

-- The form of 0018: of a domain at a site, and of each crane, gate and device.
CREATE OR REPLACE FUNCTION kpi.stream_measures(
    of_domain text, by text, since timestamptz, until timestamptz, known_at timestamptz
)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
AS $$
    SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, 'stream', s.asset, NULL::text, s.domain,
           jsonb_build_object('received', sum(s.received), 'expected', sum(s.expected))
    FROM kpi.windows(by, since, until, known_at) AS w
    JOIN kpi.completeness_between(
        INTERVAL '1 hour', since, until + CASE WHEN by = 'hour' THEN INTERVAL '1 hour' ELSE INTERVAL '1 day' END, of_domain
    ) AS s ON s.site = w.site AND s.bucket >= w.period_start AND s.bucket < w.period_end
    WHERE s.expected IS NOT NULL
    GROUP BY GROUPING SETS (
        (w.site, w.shift, w.period_start, w.period_end, w.as_of, s.domain, s.asset),
        (w.site, w.shift, w.period_start, w.period_end, w.as_of, s.domain)
    )
    HAVING s.asset IS NULL OR of_domain IN ('crane', 'gate', 'device')
$$;

-- As in 0025, and with the completeness of devices: their readings and trips by number.
CREATE OR REPLACE FUNCTION kpi.network_numbers(
    of_domain text, by text, since timestamptz, until timestamptz, known_at timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    period_start timestamptz, period_end timestamptz, shift text, site text, asset text, lane text, part text,
    kpi_id text, kpi_version integer, value double precision, numerator double precision,
    denominator double precision, n double precision, sd double precision, completeness double precision,
    provisional boolean
)
LANGUAGE sql STABLE
SET jit = off
SET enable_nestloop = off
AS $$
    WITH measured AS MATERIALIZED (
        SELECT * FROM kpi.cell_measures(by, since, until, known_at) WHERE of_domain = 'cell'
        UNION ALL
        SELECT * FROM kpi.energy_measures(by, since, until, known_at) WHERE of_domain = 'cell'
        UNION ALL
        SELECT * FROM kpi.device_measures(by, since, until, known_at) WHERE of_domain = 'device'
    ), covered AS MATERIALIZED (
        SELECT c.site, c.period_start, c.asset, least(1, c.covered_s / nullif(c.expected_s, 0)) AS completeness
        FROM kpi.cell_coverage(by, since, until, known_at) AS c WHERE of_domain = 'cell' AND c.object IS NULL
        UNION ALL
        SELECT s.site, s.period_start, s.asset,
               (s.measures->>'received')::float8 / nullif((s.measures->>'expected')::float8, 0)
        FROM kpi.stream_measures('device', by, since, until, known_at) AS s WHERE of_domain = 'device'
    ), valued AS (
        SELECT m.*, d.kpi_id, d.kpi_version, d.factor, d.denominator AS divides,
               (m.measures->>d.numerator)::float8 AS x, (m.measures->>d.denominator)::float8 AS y,
               (m.measures->>d.n)::float8 AS n, (m.measures->>d.square)::float8 AS square
        FROM measured AS m JOIN kpi.current_definition AS d ON d.grain = m.grain AND d.domain = of_domain
    )
    SELECT v.period_start, v.period_end, v.shift, v.site, v.asset, v.lane, v.part, v.kpi_id, v.kpi_version,
           CASE WHEN v.divides IS NULL THEN v.x ELSE v.x / nullif(v.y, 0) END * v.factor, v.x, v.y, v.n,
           CASE WHEN v.n > 1 THEN sqrt(greatest(0, (v.square - v.x ^ 2 / v.n) / (v.n - 1))) * v.factor END,
           c.completeness, v.as_of < v.period_end
    FROM valued AS v
    LEFT JOIN covered AS c ON c.site = v.site AND c.period_start = v.period_start
        AND coalesce(c.asset, '') = CASE WHEN v.grain IN ('cell', 'device') THEN coalesce(v.asset, '') ELSE '' END
    WHERE v.x IS NOT NULL AND (v.divides IS NULL OR v.y IS NOT NULL)
$$;

-- The columns there were, now per source, asset and minute. For a part of the time ask kpi.completeness_between: a view
-- must read everything.
DROP VIEW kpi.completeness;
DROP FUNCTION kpi.sequences(timestamptz, timestamptz);
CREATE VIEW kpi.completeness AS
SELECT c.site, c.domain, c.asset, c.bucket, c.received, c.expected, c.received::float8 / c.expected::float8 AS completeness,
       c.source, c.unnumbered
FROM kpi.completeness_between(INTERVAL '1 minute', '-infinity', 'infinity') AS c;
COMMENT ON COLUMN kpi.completeness.received IS 'numbered events stored';
COMMENT ON COLUMN kpi.completeness.expected IS 'numbered events that the source counted, or null where it numbers nothing';
COMMENT ON COLUMN kpi.completeness.unnumbered IS 'events stored that say nothing about what is missing';

-- Of budgets: minutes that are known, one way or the other ÷ minutes there were.
CREATE OR REPLACE VIEW kpi.sla_budget_shift AS
SELECT b.*, (b.good_minutes + b.bad_minutes) / nullif(b.minutes, 0) AS completeness
FROM kpi.sla_span AS s CROSS JOIN LATERAL kpi.sla_budget('shift', s.since, s.until) AS b;
CREATE OR REPLACE VIEW kpi.sla_budget_month AS
SELECT b.*, (b.good_minutes + b.bad_minutes) / nullif(b.minutes, 0) AS completeness
FROM kpi.sla_span AS s CROSS JOIN LATERAL kpi.sla_budget('month', s.since, s.until) AS b;

GRANT SELECT ON kpi.completeness TO quaystream_reader;
REVOKE ALL ON FUNCTION
    kpi.stream_counts(interval, timestamptz, timestamptz, text),
    kpi.numbers_before(timestamptz, timestamptz, timestamptz, numeric),
    kpi.completeness_between(interval, timestamptz, timestamptz, text)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.stream_counts(interval, timestamptz, timestamptz, text),
    kpi.numbers_before(timestamptz, timestamptz, timestamptz, numeric),
    kpi.completeness_between(interval, timestamptz, timestamptz, text)
TO quaystream_reader;
