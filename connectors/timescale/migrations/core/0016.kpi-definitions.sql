-- What the numbers mean: versioned definitions (schemas/kpi, loaded by `quaystream migrate`), causes of delays, baselines,
-- and the periods that numbers are made for.

CREATE TABLE kpi.definition (
    kpi_id      text NOT NULL,
    kpi_version integer NOT NULL CHECK (kpi_version > 0),
    domain      text NOT NULL,
    grain       text NOT NULL,
    title       text NOT NULL,
    unit        text NOT NULL,
    formula     text NOT NULL,
    numerator   text NOT NULL,
    denominator text,
    factor      double precision NOT NULL,
    n           text NOT NULL,
    square      text,
    compare     text,
    better      text NOT NULL,
    exclusions  jsonb NOT NULL,
    time_base   text NOT NULL,
    source      text NOT NULL,
    since       date NOT NULL,
    digest      text NOT NULL,
    PRIMARY KEY (kpi_id, kpi_version)
);
COMMENT ON COLUMN kpi.definition.numerator IS 'a measure of this grain: value = numerator / denominator * factor';
COMMENT ON COLUMN kpi.definition.digest IS 'of everything said above: a definition never changes under its version';

CREATE VIEW kpi.current_definition AS
SELECT DISTINCT ON (kpi_id) * FROM kpi.definition ORDER BY kpi_id, kpi_version DESC;

-- Where delays overlap, the time is the one's with the lowest priority number. A code that is not here is `other`.
CREATE TABLE kpi.delay_cause (
    delay_code text PRIMARY KEY,
    cause      text NOT NULL,
    priority   integer NOT NULL
);
INSERT INTO kpi.delay_cause (delay_code, cause, priority) VALUES
    ('WEA', 'weather', 1), ('FOR', 'weather', 1), ('BRK', 'breakdown', 2), ('MEA', 'planned_break', 3),
    ('PLA', 'planned_break', 3), ('CAR', 'carrier_not_ready', 4), ('TRK', 'no_transport', 5);

-- Numbers to compare with: the newest of a site, KPI, version and part counts, older ones stay as evidence.
CREATE TABLE kpi.baseline (
    site        text NOT NULL,
    kpi_id      text NOT NULL,
    kpi_version integer NOT NULL,
    part        text,
    value       double precision NOT NULL,
    numerator   double precision NOT NULL,
    denominator double precision,
    n           double precision NOT NULL,
    sd          double precision,
    period_from timestamptz NOT NULL,
    period_to   timestamptz NOT NULL,
    note        text NOT NULL DEFAULT '',
    set_at      timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (kpi_id, kpi_version) REFERENCES kpi.definition
);
CREATE INDEX baseline_site ON kpi.baseline (site, kpi_id, kpi_version, set_at DESC);

-- Every site, declared or not; `newest` is its newest folded event: periods are open until then, whatever the wall says.
CREATE VIEW kpi.site AS
SELECT s.site_id AS site, s.utc_offset, s.shifts, c.newest
FROM port.site AS s LEFT JOIN ingest.site_clock AS c ON c.site = s.site_id
UNION ALL
SELECT c.site, INTERVAL '0', '[]'::jsonb, c.newest
FROM ingest.site_clock AS c WHERE NOT EXISTS (SELECT FROM port.site AS s WHERE s.site_id = c.site);

-- The periods that begin in [since, until): `hour`, `shift`, `day` by the site's offset, or `period`, all of it as one.
-- `as_of` is where a period ends, or how far an open one has come.
CREATE FUNCTION kpi.windows(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz)
LANGUAGE sql STABLE
AS $$
    WITH pattern AS (
        SELECT s.site, least(s.newest, known_at) AS newest, extract(epoch FROM s.utc_offset)::float8 AS offset_s, p.*
        FROM kpi.site AS s CROSS JOIN LATERAL (
            SELECT NULL::text AS shift, 3600::float8 AS every_s, 0::float8 AS start_s, 3600::float8 AS end_s
            WHERE by = 'hour'
            UNION ALL
            SELECT NULL, 86400, 0, 86400 WHERE by = 'day'
            UNION ALL
            SELECT e->>'name', 86400, (e->>'start_s')::float8,
                   (e->>'end_s')::float8
                   + CASE WHEN (e->>'end_s')::float8 <= (e->>'start_s')::float8 THEN 86400 ELSE 0 END
            FROM jsonb_array_elements(s.shifts) AS e WHERE by = 'shift'
        ) AS p
    ), numbered AS (
        SELECT *, generate_series(
            floor((extract(epoch FROM since)::float8 + offset_s) / every_s)::bigint - 1,
            floor((extract(epoch FROM until)::float8 + offset_s) / every_s)::bigint
        ) AS k
        FROM pattern
    ), made AS (
        SELECT site, shift, newest, to_timestamp(k * every_s - offset_s + start_s) AS starts_at,
               to_timestamp(k * every_s - offset_s + end_s) AS ends_at
        FROM numbered
        UNION ALL
        SELECT s.site, NULL, least(s.newest, known_at), since, until FROM kpi.site AS s WHERE by = 'period'
    )
    SELECT site, shift, starts_at, ends_at, greatest(starts_at, least(ends_at, coalesce(newest, now())))
    FROM made WHERE starts_at >= since AND starts_at < until AND ends_at > starts_at
$$;

CREATE FUNCTION kpi.hours(spans tstzmultirange) RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
    SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0)::float8 / 3600 FROM unnest(spans) AS r
$$;

CREATE FUNCTION kpi.is_quay(crane_type text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT coalesce(crane_type, 'STS') IN ('STS', 'MC', 'MHC')
$$;

GRANT SELECT ON kpi.definition, kpi.current_definition, kpi.delay_cause, kpi.baseline, kpi.site TO quaystream_reader;
REVOKE ALL ON FUNCTION
    kpi.windows(text, timestamptz, timestamptz, timestamptz), kpi.hours(tstzmultirange), kpi.is_quay(text)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.windows(text, timestamptz, timestamptz, timestamptz), kpi.hours(tstzmultirange), kpi.is_quay(text)
TO quaystream_reader;
