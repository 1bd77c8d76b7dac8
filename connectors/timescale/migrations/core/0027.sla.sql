-- SLA profiles (schemas/sla, loaded by `quaystream migrate`), each device's minutes in or out of them, and what is left
-- of the budget for being out.

CREATE TABLE kpi.sla_profile (
    profile     text NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    title       text NOT NULL,
    source      text NOT NULL,
    since       date NOT NULL,
    target      double precision NOT NULL CHECK (target > 0 AND target < 1),
    asks        jsonb NOT NULL,
    digest      text NOT NULL,
    PRIMARY KEY (profile, version)
);
COMMENT ON COLUMN kpi.sla_profile.asks IS 'the profile as it is written in schemas/sla';
COMMENT ON COLUMN kpi.sla_profile.digest IS 'of everything said: a profile never changes under its version';

-- `samples` are all readings of the device in the minute, as port.radio_minute counts them: where the two differ, the
-- minute is to be judged again. `good` + `bad` are those that say something of what the profile asks.
CREATE TABLE port.sla_minute (
    bucket    timestamptz NOT NULL,
    device_id text NOT NULL,
    site      text NOT NULL,
    profile   text NOT NULL,
    version   integer NOT NULL,
    samples   bigint NOT NULL,
    good      bigint NOT NULL,
    bad       bigint NOT NULL,
    outage_s  double precision NOT NULL,
    state     text NOT NULL CHECK (state IN ('in', 'out', 'unknown')),
    judged_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
SELECT create_hypertable('port.sla_minute', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX sla_minute_key ON port.sla_minute (device_id, bucket, profile);
CREATE INDEX sla_minute_bucket ON port.sla_minute (bucket);

-- As ingest.stale_hour: appended by the transaction that stored readings, taken away by who has judged the minute.
CREATE TABLE ingest.stale_sla (
    bucket    timestamptz NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);

-- What is left of the budget of each device and profile, for the shifts or months (by the site's offset) that begin in
-- [since, until). The budget is of the whole period: (1 - target) of its minutes. Minutes nobody knows of are `unknown`,
-- never good; those that are to come are not counted yet, and the period is provisional.
CREATE FUNCTION kpi.sla_budget(by text, since timestamptz, until timestamptz)
RETURNS TABLE (
    period_start timestamptz, period_end timestamptz, shift text, site text, device_id text, profile text,
    version integer, target double precision, minutes double precision, good_minutes bigint, bad_minutes bigint,
    unknown_minutes double precision, outage_s double precision, budget_minutes double precision,
    budget_left_minutes double precision, budget_left_share double precision, provisional boolean
)
LANGUAGE sql STABLE
SET jit = off
AS $$
    WITH known AS (
        SELECT m.site, max(m.bucket) + INTERVAL '1 minute' AS newest FROM port.sla_minute AS m GROUP BY m.site
    ), places AS (
        SELECT k.site, k.newest, coalesce(s.utc_offset, INTERVAL '0') AS utc_offset
        FROM known AS k LEFT JOIN port.site AS s ON s.site_id = k.site
    ), months AS (
        SELECT p.site, p.newest, p.utc_offset,
               generate_series(date_trunc('month', since AT TIME ZONE 'UTC' + p.utc_offset) - INTERVAL '1 month',
                               least(until, p.newest) AT TIME ZONE 'UTC' + p.utc_offset, INTERVAL '1 month') AS local_start
        FROM places AS p WHERE by = 'month'
    ), periods AS (
        SELECT w.site, w.shift, w.period_start AS starts, w.period_end AS ends, p.newest
        FROM kpi.windows(by, since, until, 'infinity') AS w JOIN places AS p ON p.site = w.site
        WHERE by = 'shift' AND w.period_start < p.newest
        UNION ALL
        SELECT m.site, NULL, (m.local_start - m.utc_offset) AT TIME ZONE 'UTC',
               (m.local_start + INTERVAL '1 month' - m.utc_offset) AT TIME ZONE 'UTC', m.newest
        FROM months AS m
    ), counted AS (
        SELECT p.*, m.device_id, m.profile, max(m.version) AS version, sum(m.outage_s) AS outage_s,
               count(*) FILTER (WHERE m.state = 'in') AS good, count(*) FILTER (WHERE m.state = 'out') AS bad,
               extract(epoch FROM least(p.ends, p.newest) - p.starts)::float8 / 60 AS minutes,
               extract(epoch FROM p.ends - p.starts)::float8 / 60 AS whole
        FROM periods AS p
        JOIN port.sla_minute AS m ON m.site = p.site AND m.bucket >= p.starts AND m.bucket < p.ends
        WHERE p.starts >= since AND p.starts < until
        GROUP BY p.site, p.shift, p.starts, p.ends, p.newest, m.device_id, m.profile
    )
    SELECT c.starts, c.ends, c.shift, c.site, c.device_id, c.profile, c.version, s.target, c.minutes, c.good, c.bad,
           c.minutes - c.good - c.bad, c.outage_s, (1 - s.target) * c.whole, (1 - s.target) * c.whole - c.bad,
           1 - c.bad / ((1 - s.target) * c.whole), c.newest < c.ends
    FROM counted AS c JOIN kpi.sla_profile AS s ON s.profile = c.profile AND s.version = c.version
$$;

CREATE VIEW kpi.sla_span AS
SELECT min(bucket) - INTERVAL '32 days' AS since, max(bucket) + INTERVAL '1 minute' AS until FROM port.sla_minute;

CREATE VIEW kpi.sla_budget_shift AS
SELECT b.* FROM kpi.sla_span AS s CROSS JOIN LATERAL kpi.sla_budget('shift', s.since, s.until) AS b;

CREATE VIEW kpi.sla_budget_month AS
SELECT b.* FROM kpi.sla_span AS s CROSS JOIN LATERAL kpi.sla_budget('month', s.since, s.until) AS b;

GRANT SELECT, INSERT, UPDATE ON port.sla_minute TO quaystream_worker;
GRANT SELECT, INSERT, DELETE ON ingest.stale_sla TO quaystream_worker;
GRANT SELECT ON port.asset TO quaystream_worker;
GRANT SELECT ON
    port.sla_minute, ingest.stale_sla, kpi.sla_profile, kpi.sla_span, kpi.sla_budget_shift, kpi.sla_budget_month
TO quaystream_reader;
REVOKE ALL ON FUNCTION kpi.sla_budget(text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpi.sla_budget(text, timestamptz, timestamptz) TO quaystream_reader;
