-- The numbers: measures divided as the current definitions say, as one long table per domain and length of period; how
-- complete the events behind them are; and a period compared with the baseline.

CREATE FUNCTION kpi.stream_measures(of_domain text, by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
AS $$
    SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, 'stream', s.asset, NULL::text, s.domain,
           jsonb_build_object('received', sum(s.received), 'expected', sum(s.expected))
    FROM kpi.windows(by, since, until, known_at) AS w
    JOIN kpi.sequences(since, until + INTERVAL '1 day') AS s
        ON s.site = w.site AND s.bucket >= w.period_start AND s.bucket < w.period_end
    WHERE s.domain = of_domain
    GROUP BY GROUPING SETS (
        (w.site, w.shift, w.period_start, w.period_end, w.as_of, s.domain, s.asset),
        (w.site, w.shift, w.period_start, w.period_end, w.as_of, s.domain)
    )
    HAVING s.asset IS NULL OR of_domain IN ('crane', 'gate')
$$;

-- Every number of a domain (crane, gate, cargo, vessel) for the periods that begin in [since, until), as known at a
-- time. asset and lane are null where a number is of the whole site. value = numerator / denominator * factor, and null
-- where nothing is divided by: what happened then still adds up.
CREATE FUNCTION kpi.numbers(
    of_domain text, by text, since timestamptz, until timestamptz, known_at timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    period_start timestamptz, period_end timestamptz, shift text, site text, asset text, lane text, part text,
    kpi_id text, kpi_version integer, value double precision, numerator double precision,
    denominator double precision, n double precision, sd double precision, completeness double precision,
    provisional boolean
)
LANGUAGE sql STABLE
-- Compiling this takes seconds, running it milliseconds.
SET jit = off
AS $$
    WITH streams AS MATERIALIZED (
        SELECT * FROM kpi.stream_measures(of_domain, by, since, until, known_at)
    ), measured AS (
        SELECT * FROM kpi.crane_measures(by, since, until, known_at) WHERE of_domain = 'crane'
        UNION ALL
        SELECT * FROM kpi.gate_measures(by, since, until, known_at) WHERE of_domain = 'gate'
        UNION ALL
        SELECT * FROM kpi.cargo_measures(by, since, until, known_at) WHERE of_domain = 'cargo'
        UNION ALL
        SELECT * FROM kpi.vessel_measures(by, since, until, known_at) WHERE of_domain = 'vessel'
        UNION ALL
        SELECT * FROM streams
    ), valued AS (
        SELECT m.*, d.kpi_id, d.kpi_version, d.factor, d.denominator AS divides,
               (m.measures->>d.numerator)::float8 AS x, (m.measures->>d.denominator)::float8 AS y,
               (m.measures->>d.n)::float8 AS n, (m.measures->>d.square)::float8 AS square
        FROM measured AS m JOIN kpi.current_definition AS d ON d.grain = m.grain
    )
    SELECT v.period_start, v.period_end, v.shift, v.site, v.asset, v.lane, v.part, v.kpi_id, v.kpi_version,
           CASE WHEN v.divides IS NULL THEN v.x ELSE v.x / nullif(v.y, 0) END * v.factor, v.x, v.y, v.n,
           CASE WHEN v.n > 1 THEN sqrt(greatest(0, (v.square - v.x ^ 2 / v.n) / (v.n - 1))) * v.factor END,
           (s.measures->>'received')::float8 / nullif((s.measures->>'expected')::float8, 0),
           v.as_of < v.period_end
    FROM valued AS v
    LEFT JOIN streams AS s ON s.site = v.site AND s.period_start = v.period_start
        AND coalesce(s.asset, '') = CASE WHEN of_domain IN ('crane', 'gate') THEN coalesce(v.asset, '') ELSE '' END
    WHERE v.x IS NOT NULL AND (v.divides IS NULL OR v.y IS NOT NULL)
$$;

-- From the first to the newest event that numbers are made of.
CREATE VIEW kpi.span AS
SELECT min(at) - INTERVAL '1 day' AS since, greatest(max(at), (SELECT max(newest) FROM ingest.site_clock)) + INTERVAL '1 s' AS until
FROM (
    SELECT min(ended_at) AS at FROM port.crane_cycle UNION ALL SELECT max(ended_at) FROM port.crane_cycle
    UNION ALL SELECT min(first_at) FROM port.gate_visit UNION ALL SELECT max(last_at) FROM port.gate_visit
    UNION ALL SELECT min(first_at) FROM port.cargo_visit UNION ALL SELECT max(last_at) FROM port.cargo_visit
    UNION ALL SELECT min(first_at) FROM port.vessel_call UNION ALL SELECT max(last_at) FROM port.vessel_call
    UNION ALL SELECT min(time) FROM port.crane_assignment UNION ALL SELECT max(time) FROM port.crane_assignment
    UNION ALL SELECT min(time) FROM port.crane_status UNION ALL SELECT max(time) FROM port.crane_status
) AS ends;

CREATE VIEW kpi.crane_hourly AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('crane', 'hour', s.since, s.until) AS n;
CREATE VIEW kpi.crane_shift AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('crane', 'shift', s.since, s.until) AS n;
CREATE VIEW kpi.crane_daily AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('crane', 'day', s.since, s.until) AS n;
CREATE VIEW kpi.gate_hourly AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('gate', 'hour', s.since, s.until) AS n;
CREATE VIEW kpi.gate_shift AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('gate', 'shift', s.since, s.until) AS n;
CREATE VIEW kpi.gate_daily AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('gate', 'day', s.since, s.until) AS n;
CREATE VIEW kpi.cargo_hourly AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('cargo', 'hour', s.since, s.until) AS n;
CREATE VIEW kpi.cargo_shift AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('cargo', 'shift', s.since, s.until) AS n;
CREATE VIEW kpi.cargo_daily AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('cargo', 'day', s.since, s.until) AS n;
CREATE VIEW kpi.vessel_hourly AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('vessel', 'hour', s.since, s.until) AS n;
CREATE VIEW kpi.vessel_shift AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('vessel', 'shift', s.since, s.until) AS n;
CREATE VIEW kpi.vessel_daily AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.numbers('vessel', 'day', s.since, s.until) AS n;

-- Received against expected, per hour: of a site's domain (asset null), and of each crane and gate.
CREATE VIEW kpi.completeness AS
SELECT s.site, s.domain, CASE WHEN s.domain IN ('crane', 'gate') THEN s.asset END AS asset, s.bucket,
       sum(s.received)::bigint AS received, sum(s.expected)::bigint AS expected,
       sum(s.received)::float8 / nullif(sum(s.expected), 0)::float8 AS completeness
FROM kpi.sequences('-infinity', 'infinity') AS s
GROUP BY GROUPING SETS (
    (s.site, s.domain, s.bucket),
    (s.site, s.domain, CASE WHEN s.domain IN ('crane', 'gate') THEN s.asset END, s.bucket)
);

-- The 97.5 % point of Student's t (Abramowitz and Stegun 26.7.5), within 0.01 from 3 degrees of freedom on.
CREATE FUNCTION kpi.student_t(df double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
    SELECT z + (z ^ 3 + z) / 4 / df + (5 * z ^ 5 + 16 * z ^ 3 + 3 * z) / 96 / df ^ 2
        + (3 * z ^ 7 + 19 * z ^ 5 + 17 * z ^ 3 - 15 * z) / 384 / df ^ 3
        + (79 * z ^ 9 + 776 * z ^ 7 + 1482 * z ^ 5 - 1920 * z ^ 3 - 945 * z) / 92160 / df ^ 4
    FROM (VALUES (1.959963984540054::float8)) AS point (z)
$$;

-- A period against the newest baseline of each site and KPI, with 95 % confidence intervals. `welch`: two means of
-- unequal variance (Welch 1947), the ratio by the delta method on its logarithm. `poisson`: two rates, the standard error
-- of the log ratio is sqrt(1/n + 1/n0) (Rothman, Greenland, Lash: Modern Epidemiology, ch. 14); n counts events, not boxes.
CREATE FUNCTION kpi.effect_of(of_site text, since timestamptz, until timestamptz)
RETURNS TABLE (
    site text, kpi_id text, kpi_version integer, part text, since_at timestamptz, until_at timestamptz, method text,
    baseline double precision, baseline_n double precision, value double precision, n double precision,
    difference double precision, difference_low double precision, difference_high double precision,
    ratio double precision, ratio_low double precision, ratio_high double precision,
    completeness double precision, provisional boolean
)
LANGUAGE sql STABLE
AS $$
    WITH baselines AS (
        SELECT DISTINCT ON (b.kpi_id, b.kpi_version, b.part) b.* FROM kpi.baseline AS b
        WHERE b.site = of_site ORDER BY b.kpi_id, b.kpi_version, b.part, b.set_at DESC
    ), now_is AS (
        SELECT n.* FROM (VALUES ('crane'), ('gate'), ('cargo'), ('vessel')) AS d (domain)
        CROSS JOIN LATERAL kpi.numbers(d.domain, 'period', since, until) AS n
        WHERE n.site = of_site AND n.asset IS NULL AND n.lane IS NULL
    ), pairs AS (
        SELECT m.*, d.compare, b.value AS value0, b.n AS n0, b.sd AS sd0, m.sd ^ 2 / m.n AS v, b.sd ^ 2 / b.n AS v0,
               m.value / nullif(b.value, 0) AS r
        FROM now_is AS m
        JOIN baselines AS b ON b.kpi_id = m.kpi_id AND b.kpi_version = m.kpi_version AND b.part IS NOT DISTINCT FROM m.part
        JOIN kpi.definition AS d ON d.kpi_id = m.kpi_id AND d.kpi_version = m.kpi_version
        WHERE m.n > 0 AND b.n > 0 AND m.value IS NOT NULL
    ), errors AS (
        SELECT p.*,
               CASE WHEN p.compare = 'poisson' THEN 1.959963984540054 * sqrt(p.value ^ 2 / p.n + p.value0 ^ 2 / p.n0)
                   WHEN p.compare = 'welch' AND p.v + p.v0 > 0 THEN t.t * sqrt(p.v + p.v0) END AS half,
               CASE WHEN p.compare = 'poisson' THEN 1.959963984540054 * sqrt(1 / p.n + 1 / p.n0)
                   WHEN p.compare = 'welch' AND p.v + p.v0 > 0
                   THEN t.t * sqrt(p.v / nullif(p.value, 0) ^ 2 + p.v0 / nullif(p.value0, 0) ^ 2) END AS log_half
        FROM pairs AS p CROSS JOIN LATERAL (
            SELECT kpi.student_t((p.v + p.v0) ^ 2 / nullif(p.v ^ 2 / (p.n - 1) + p.v0 ^ 2 / (p.n0 - 1), 0)) AS t
            WHERE p.n > 1 AND p.n0 > 1 UNION ALL SELECT NULL WHERE NOT (p.n > 1 AND p.n0 > 1)
        ) AS t
    )
    SELECT e.site, e.kpi_id, e.kpi_version, e.part, since, until, e.compare, e.value0, e.n0, e.value, e.n,
           e.value - e.value0, e.value - e.value0 - e.half, e.value - e.value0 + e.half,
           e.r, e.r * exp(-e.log_half), e.r * exp(e.log_half), e.completeness, e.provisional
    FROM errors AS e
$$;

-- What came of it: each site from the end of its newest baseline until now.
CREATE VIEW kpi.effect AS
SELECT e.* FROM (
    SELECT DISTINCT ON (b.site) b.site, b.period_to, c.newest
    FROM kpi.baseline AS b JOIN ingest.site_clock AS c ON c.site = b.site ORDER BY b.site, b.set_at DESC
) AS s CROSS JOIN LATERAL kpi.effect_of(s.site, s.period_to, s.newest) AS e
WHERE s.newest > s.period_to;

GRANT SELECT ON
    kpi.span, kpi.completeness, kpi.effect,
    kpi.crane_hourly, kpi.crane_shift, kpi.crane_daily, kpi.gate_hourly, kpi.gate_shift, kpi.gate_daily,
    kpi.cargo_hourly, kpi.cargo_shift, kpi.cargo_daily, kpi.vessel_hourly, kpi.vessel_shift, kpi.vessel_daily
TO quaystream_reader;
REVOKE ALL ON FUNCTION
    kpi.stream_measures(text, text, timestamptz, timestamptz, timestamptz),
    kpi.numbers(text, text, timestamptz, timestamptz, timestamptz), kpi.student_t(double precision),
    kpi.effect_of(text, timestamptz, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.stream_measures(text, text, timestamptz, timestamptz, timestamptz),
    kpi.numbers(text, text, timestamptz, timestamptz, timestamptz), kpi.student_t(double precision),
    kpi.effect_of(text, timestamptz, timestamptz)
TO quaystream_reader;
