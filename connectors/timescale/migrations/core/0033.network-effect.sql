-- Before and after for the network's numbers too: as in 0018, with the domains `cell` and `device`.

CREATE OR REPLACE FUNCTION kpi.effect_of(of_site text, since timestamptz, until timestamptz)
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
        SELECT n.* FROM unnest(ARRAY['crane', 'gate', 'cargo', 'vessel', 'cell', 'device']) AS d (domain)
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

-- Each site from the end of its newest baseline until now: a factory is known by its network alone.
CREATE OR REPLACE VIEW kpi.effect AS
SELECT e.* FROM (
    SELECT DISTINCT ON (b.site) b.site, b.period_to, greatest(c.newest, n.newest) AS newest
    FROM kpi.baseline AS b
    LEFT JOIN ingest.site_clock AS c ON c.site = b.site
    LEFT JOIN kpi.network_clock AS n ON n.site = b.site
    ORDER BY b.site, b.set_at DESC
) AS s CROSS JOIN LATERAL kpi.effect_of(s.site, s.period_to, s.newest) AS e
WHERE s.newest > s.period_to;
