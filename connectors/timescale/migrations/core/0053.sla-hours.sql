-- Budgets from hours: minutes of devices in or out of their profiles, added up once an hour is over, as kpi.radio_hour is
-- (0024). A month of 22 sites is millions of minutes; edges that are no whole hours are read as minutes.

CREATE TABLE kpi.sla_hour (
    bucket    timestamptz NOT NULL,
    site      text NOT NULL,
    device_id text NOT NULL,
    profile   text NOT NULL,
    version   integer NOT NULL,
    good      bigint NOT NULL,
    bad       bigint NOT NULL,
    outage_s  double precision NOT NULL,
    PRIMARY KEY (bucket, device_id, profile)
);
COMMENT ON COLUMN kpi.sla_hour.good IS 'minutes whose state is in';
COMMENT ON COLUMN kpi.sla_hour.bad IS 'minutes whose state is out';

ALTER TABLE kpi.stale_hour DROP CONSTRAINT stale_hour_kind_check;
ALTER TABLE kpi.stale_hour ADD CONSTRAINT stale_hour_kind_check CHECK (kind IN ('cell', 'radio', 'sla'));

CREATE FUNCTION kpi.sla_hours(since timestamptz, until timestamptz) RETURNS SETOF kpi.sla_hour
LANGUAGE sql STABLE
SET jit = off
AS $$
    SELECT time_bucket(INTERVAL '1 hour', m.bucket), m.site, m.device_id, m.profile, max(m.version),
           count(*) FILTER (WHERE m.state = 'in'), count(*) FILTER (WHERE m.state = 'out'), sum(m.outage_s)
    FROM port.sla_minute AS m WHERE m.bucket >= since AND m.bucket < until GROUP BY 1, 2, 3, 4
$$;

-- Whole hours from `since` to `until`: as they are stored, or, where they are marked, from their minutes.
CREATE FUNCTION kpi.sla_hours_known(since timestamptz, until timestamptz) RETURNS SETOF kpi.sla_hour
LANGUAGE sql STABLE
AS $$
    SELECT h.* FROM kpi.sla_hour AS h
    WHERE h.bucket >= since AND h.bucket < until
        AND h.bucket NOT IN (SELECT s.bucket FROM kpi.stale_hour AS s WHERE s.kind = 'sla')
    UNION ALL
    SELECT h.*
    FROM (SELECT DISTINCT bucket FROM kpi.stale_hour WHERE kind = 'sla' AND bucket >= since AND bucket < until) AS s
    CROSS JOIN LATERAL kpi.sla_hours(s.bucket, s.bucket + INTERVAL '1 hour') AS h
$$;

-- As in 0024, and hours of service levels.
CREATE OR REPLACE FUNCTION kpi.store_hour(of_kind text, hour timestamptz) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    raw_table text := CASE of_kind
        WHEN 'cell' THEN 'port.cell_measurement' WHEN 'radio' THEN 'port.radio_sample' ELSE 'port.sla_minute' END;
BEGIN
    IF EXISTS (SELECT FROM ingest.retired AS r WHERE r.table_name = raw_table AND r.to_time > hour) THEN
        RETURN;
    END IF;
    IF of_kind = 'cell' THEN
        DELETE FROM kpi.cell_hour AS h WHERE h.bucket = hour;
        INSERT INTO kpi.cell_hour SELECT * FROM kpi.cell_hours(hour, hour + INTERVAL '1 hour');
    ELSIF of_kind = 'radio' THEN
        DELETE FROM kpi.radio_hour AS h WHERE h.bucket = hour;
        INSERT INTO kpi.radio_hour SELECT * FROM kpi.radio_hours(hour, hour + INTERVAL '1 hour');
    ELSE
        DELETE FROM kpi.sla_hour AS h WHERE h.bucket = hour;
        INSERT INTO kpi.sla_hour SELECT * FROM kpi.sla_hours(hour, hour + INTERVAL '1 hour');
    END IF;
END
$$;

-- As in 0027, from hours; how far a site is known is asked of each of its devices, by index.
CREATE OR REPLACE FUNCTION kpi.sla_budget(by text, since timestamptz, until timestamptz)
RETURNS TABLE (
    period_start timestamptz, period_end timestamptz, shift text, site text, device_id text, profile text,
    version integer, target double precision, minutes double precision, good_minutes bigint, bad_minutes bigint,
    unknown_minutes double precision, outage_s double precision, budget_minutes double precision,
    budget_left_minutes double precision, budget_left_share double precision, provisional boolean
)
LANGUAGE sql STABLE
SET jit = off
AS $$
    WITH known AS MATERIALIZED (
        SELECT a.site_id AS site, max(n.newest) + INTERVAL '1 minute' AS newest
        FROM port.asset AS a
        CROSS JOIN LATERAL (SELECT max(m.bucket) AS newest FROM port.sla_minute AS m WHERE m.device_id = a.asset_id) AS n
        WHERE a.kind = 'device' AND n.newest IS NOT NULL GROUP BY a.site_id
    ), places AS (
        SELECT k.site, k.newest, coalesce(s.utc_offset, INTERVAL '0') AS utc_offset
        FROM known AS k LEFT JOIN port.site AS s ON s.site_id = k.site
    ), months AS (
        SELECT p.site, p.newest, p.utc_offset,
               generate_series(date_trunc('month', since AT TIME ZONE 'UTC' + p.utc_offset) - INTERVAL '1 month',
                               least(until, p.newest) AT TIME ZONE 'UTC' + p.utc_offset, INTERVAL '1 month') AS local_start
        FROM places AS p WHERE by = 'month'
    ), laid AS (
        SELECT w.site, w.shift, w.period_start AS starts, w.period_end AS ends, p.newest
        FROM kpi.windows(by, since, until, 'infinity') AS w JOIN places AS p ON p.site = w.site
        WHERE by = 'shift' AND w.period_start < p.newest
        UNION ALL
        SELECT m.site, NULL, (m.local_start - m.utc_offset) AT TIME ZONE 'UTC',
               (m.local_start + INTERVAL '1 month' - m.utc_offset) AT TIME ZONE 'UTC', m.newest
        FROM months AS m
    ), periods AS MATERIALIZED (
        SELECT e.*, date_trunc('hour', e.starts + INTERVAL '1 hour' - INTERVAL '1 us', 'UTC') AS first_hour,
               date_trunc('hour', e.ends, 'UTC') AS last_hour
        FROM laid AS e WHERE e.starts >= since AND e.starts < until
    ), edges AS (
        SELECT p.site, p.shift, p.starts, e.lo, e.hi
        FROM periods AS p CROSS JOIN LATERAL (
            VALUES (p.starts, least(p.first_hour, p.ends)), (greatest(p.first_hour, p.last_hour), p.ends)
        ) AS e (lo, hi)
        WHERE e.lo < e.hi
    ), pieces AS (
        SELECT p.shift, p.starts, h.*
        FROM kpi.sla_hours_known((SELECT min(first_hour) FROM periods), (SELECT max(last_hour) FROM periods)) AS h
        JOIN periods AS p ON p.site = h.site AND h.bucket >= p.first_hour AND h.bucket < p.last_hour
        UNION ALL
        SELECT e.shift, e.starts, h.*
        FROM (SELECT DISTINCT lo, hi FROM edges) AS d CROSS JOIN LATERAL kpi.sla_hours(d.lo, d.hi) AS h
        JOIN edges AS e ON e.site = h.site AND e.lo = d.lo AND e.hi = d.hi
    ), counted AS (
        SELECT p.*, m.device_id, m.profile, max(m.version) AS version, sum(m.outage_s) AS outage_s,
               sum(m.good)::bigint AS good, sum(m.bad)::bigint AS bad,
               extract(epoch FROM least(p.ends, p.newest) - p.starts)::float8 / 60 AS minutes,
               extract(epoch FROM p.ends - p.starts)::float8 / 60 AS whole
        FROM periods AS p
        JOIN pieces AS m ON m.site = p.site AND m.starts = p.starts AND m.shift IS NOT DISTINCT FROM p.shift
        GROUP BY p.site, p.shift, p.starts, p.ends, p.newest, p.first_hour, p.last_hour, m.device_id, m.profile
    )
    SELECT c.starts, c.ends, c.shift, c.site, c.device_id, c.profile, c.version, s.target, c.minutes, c.good, c.bad,
           c.minutes - c.good - c.bad, c.outage_s, (1 - s.target) * c.whole, (1 - s.target) * c.whole - c.bad,
           1 - c.bad / ((1 - s.target) * c.whole), c.newest < c.ends
    FROM counted AS c JOIN kpi.sla_profile AS s ON s.profile = c.profile AND s.version = c.version
$$;

-- What is there already is stored by the first worker.
INSERT INTO kpi.stale_hour (kind, bucket) SELECT 'sla', bucket FROM port.radio_hour GROUP BY bucket;

GRANT SELECT, INSERT, DELETE ON kpi.sla_hour TO quaystream_worker;
GRANT SELECT ON kpi.sla_hour TO quaystream_reader;
REVOKE ALL ON FUNCTION kpi.sla_hours(timestamptz, timestamptz), kpi.sla_hours_known(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpi.sla_hours(timestamptz, timestamptz) TO quaystream_worker, quaystream_reader;
GRANT EXECUTE ON FUNCTION kpi.sla_hours_known(timestamptz, timestamptz) TO quaystream_reader;
