-- Before and after, kept: what a wall of screens looks at is worked out once an hour, for all sites with the same baseline's
-- end at once, and not by every look. kpi.effect and kpi.effect_of still answer of the moment.

-- As kpi.effect_of in 0033, of several sites.
CREATE FUNCTION kpi.effects_of(of_sites text[], since timestamptz, until timestamptz)
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
        SELECT DISTINCT ON (b.site, b.kpi_id, b.kpi_version, b.part) b.* FROM kpi.baseline AS b
        WHERE b.site = ANY (of_sites) ORDER BY b.site, b.kpi_id, b.kpi_version, b.part, b.set_at DESC
    ), now_is AS (
        SELECT n.* FROM unnest(ARRAY['crane', 'gate', 'cargo', 'vessel', 'cell', 'device']) AS d (domain)
        CROSS JOIN LATERAL kpi.numbers(d.domain, 'period', since, until) AS n
        WHERE n.site = ANY (of_sites) AND n.asset IS NULL AND n.lane IS NULL
    ), pairs AS (
        SELECT m.*, d.compare, b.value AS value0, b.n AS n0, b.sd AS sd0, m.sd ^ 2 / m.n AS v, b.sd ^ 2 / b.n AS v0,
               m.value / nullif(b.value, 0) AS r
        FROM now_is AS m
        JOIN baselines AS b ON b.site = m.site AND b.kpi_id = m.kpi_id AND b.kpi_version = m.kpi_version
            AND b.part IS NOT DISTINCT FROM m.part
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
    SELECT * FROM kpi.effects_of(ARRAY[of_site], since, until)
$$;

-- Each site from the end of its newest baseline until the last full minute that is known of it, as it stood at `stored_at`.
CREATE TABLE kpi.effect_stored (
    site            text NOT NULL,
    kpi_id          text NOT NULL,
    kpi_version     integer NOT NULL,
    part            text,
    since_at        timestamptz NOT NULL,
    until_at        timestamptz NOT NULL,
    method          text,
    baseline        double precision NOT NULL,
    baseline_n      double precision NOT NULL,
    value           double precision NOT NULL,
    n               double precision NOT NULL,
    difference      double precision,
    difference_low  double precision,
    difference_high double precision,
    ratio           double precision,
    ratio_low       double precision,
    ratio_high      double precision,
    completeness    double precision,
    provisional     boolean NOT NULL,
    stored_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX effect_stored_site ON kpi.effect_stored (site);

-- Which sites are to be worked out anew: an hour has passed there, or a baseline was set, since it was done last.
CREATE VIEW kpi.effect_due AS
WITH newest AS (
    SELECT DISTINCT ON (b.site) b.site, b.period_to AS since, b.set_at,
           date_trunc('minute', greatest(c.newest, n.newest), 'UTC') AS until
    FROM kpi.baseline AS b
    LEFT JOIN ingest.site_clock AS c ON c.site = b.site
    LEFT JOIN kpi.network_clock AS n ON n.site = b.site
    ORDER BY b.site, b.set_at DESC
), done AS (
    SELECT e.site, max(e.until_at) AS until, max(e.stored_at) AS at FROM kpi.effect_stored AS e GROUP BY e.site
)
SELECT w.site, w.since, w.until FROM newest AS w LEFT JOIN done AS d ON d.site = w.site
WHERE w.until > w.since AND (d.site IS NULL OR d.until <= w.until - INTERVAL '1 hour' OR d.at < w.set_at);

-- Works them out; answers how many sites. One at a time: see the worker's chore.
CREATE FUNCTION kpi.store_effects() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET jit = off
AS $$
DECLARE
    span record;
    done integer := 0;
BEGIN
    FOR span IN SELECT d.since, d.until, array_agg(d.site) AS sites FROM kpi.effect_due AS d GROUP BY d.since, d.until LOOP
        DELETE FROM kpi.effect_stored AS e WHERE e.site = ANY (span.sites);
        INSERT INTO kpi.effect_stored SELECT e.*, now() FROM kpi.effects_of(span.sites, span.since, span.until) AS e;
        done := done + cardinality(span.sites);
    END LOOP;
    RETURN done;
END
$$;

GRANT SELECT ON kpi.effect_stored, kpi.effect_due TO quaystream_reader, quaystream_worker;
GRANT SELECT ON kpi.baseline TO quaystream_worker;
REVOKE ALL ON FUNCTION kpi.effects_of(text[], timestamptz, timestamptz), kpi.store_effects() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpi.effects_of(text[], timestamptz, timestamptz) TO quaystream_reader;
GRANT EXECUTE ON FUNCTION kpi.store_effects() TO quaystream_worker;
