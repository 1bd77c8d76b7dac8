-- The numbers of the network: KPIs of TS 28.554 per cell, slice and 5QI, what devices saw of the radio, and the energy of
-- a move with the cells that served it. Counters are added before they are divided; means are weighted, never averaged.

-- Sites of which only the network is known have numbers, too.
CREATE OR REPLACE VIEW kpi.site AS
SELECT s.site_id AS site, s.utc_offset, s.shifts, c.newest
FROM port.site AS s LEFT JOIN ingest.site_clock AS c ON c.site = s.site_id
UNION ALL
SELECT o.site, INTERVAL '0', '[]'::jsonb, c.newest
FROM (SELECT site FROM ingest.site_clock UNION SELECT site_id FROM port.asset) AS o
LEFT JOIN ingest.site_clock AS c ON c.site = o.site
WHERE NOT EXISTS (SELECT FROM port.site AS s WHERE s.site_id = o.site);

-- Whole hours from `since` to `until`: as they are stored, or, where they are marked, from their raw rows.
CREATE FUNCTION kpi.cell_hours_known(since timestamptz, until timestamptz, wanted text[]) RETURNS SETOF kpi.cell_hour
LANGUAGE sql STABLE
AS $$
    SELECT h.* FROM kpi.cell_hour AS h
    WHERE h.bucket >= since AND h.bucket < until
        AND h.bucket NOT IN (SELECT s.bucket FROM kpi.stale_hour AS s WHERE s.kind = 'cell')
        AND (wanted IS NULL OR h.figure = ANY (wanted))
    UNION ALL
    SELECT h.*
    FROM (SELECT DISTINCT bucket FROM kpi.stale_hour WHERE kind = 'cell' AND bucket >= since AND bucket < until) AS s
    CROSS JOIN LATERAL kpi.cell_hours(s.bucket, s.bucket + INTERVAL '1 hour', wanted) AS h
$$;

CREATE FUNCTION kpi.radio_hours_known(since timestamptz, until timestamptz) RETURNS SETOF kpi.radio_hour
LANGUAGE sql STABLE
AS $$
    SELECT h.* FROM kpi.radio_hour AS h
    WHERE h.bucket >= since AND h.bucket < until
        AND h.bucket NOT IN (SELECT s.bucket FROM kpi.stale_hour AS s WHERE s.kind = 'radio')
    UNION ALL
    SELECT h.*
    FROM (SELECT DISTINCT bucket FROM kpi.stale_hour WHERE kind = 'radio' AND bucket >= since AND bucket < until) AS s
    CROSS JOIN LATERAL kpi.radio_hours(s.bucket, s.bucket + INTERVAL '1 hour') AS h
$$;

-- How far the network of a site is known: its newest report or reading. The newest hour is always a marked one.
CREATE VIEW kpi.network_clock AS
SELECT site, max(newest) AS newest
FROM (
    SELECT site, to_timestamp(max(largest)) AS newest FROM kpi.cell_hour WHERE figure = 'reports' GROUP BY site
    UNION ALL
    SELECT site, max(newest) FROM kpi.radio_hour GROUP BY site
    UNION ALL
    SELECT m.site, max(m.time) FROM port.cell_measurement AS m
    WHERE m.time > (SELECT max(bucket) FROM kpi.stale_hour WHERE kind = 'cell') GROUP BY m.site
    UNION ALL
    SELECT r.site, max(r.time) FROM port.radio_sample AS r
    WHERE r.time >= (SELECT max(bucket) FROM kpi.stale_hour WHERE kind = 'radio') GROUP BY r.site
) AS known
GROUP BY site;

-- kpi.windows, open as long as neither facts nor the network have come further. `first_hour` to `last_hour` are the whole
-- hours within; what is outside of them is the window's edges.
CREATE FUNCTION kpi.network_windows(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz,
    first_hour timestamptz, last_hour timestamptz
)
LANGUAGE sql STABLE
AS $$
    SELECT w.site, w.shift, w.period_start, w.period_end,
           CASE WHEN greatest(s.newest, c.newest) IS NULL THEN w.as_of
               ELSE greatest(w.period_start, least(w.period_end, greatest(s.newest, c.newest), known_at)) END,
           date_trunc('hour', w.period_start + INTERVAL '1 hour' - INTERVAL '1 us', 'UTC'),
           date_trunc('hour', w.period_end, 'UTC')
    FROM kpi.windows(by, since, until, known_at) AS w
    JOIN kpi.site AS s ON s.site = w.site
    LEFT JOIN kpi.network_clock AS c ON c.site = w.site
$$;

-- The figures of each window (all, or those wanted), per cell and part.
CREATE FUNCTION kpi.cell_sums(
    by text, since timestamptz, until timestamptz, known_at timestamptz, wanted text[] DEFAULT NULL
)
RETURNS TABLE (
    site text, period_start timestamptz, cell_id text, object text, part text, figure text, n double precision,
    total double precision, largest double precision, weighted double precision, weight double precision,
    seconds double precision
)
LANGUAGE sql STABLE
AS $$
    WITH w AS MATERIALIZED (
        SELECT * FROM kpi.network_windows(by, since, until, known_at)
    ), edges AS (
        SELECT w.site, w.period_start, e.lo, e.hi
        FROM w CROSS JOIN LATERAL (
            VALUES (w.period_start, least(w.first_hour, w.period_end)), (greatest(w.first_hour, w.last_hour), w.period_end)
        ) AS e (lo, hi)
        WHERE e.lo < e.hi
    ), pieces AS (
        SELECT w.period_start, h.*
        FROM kpi.cell_hours_known((SELECT min(first_hour) FROM w), (SELECT max(last_hour) FROM w), wanted) AS h
        JOIN (
            SELECT w.site, w.period_start, generate_series(w.first_hour, w.last_hour - INTERVAL '1 hour', '1 hour') AS bucket
            FROM w
        ) AS w ON w.site = h.site AND w.bucket = h.bucket
        UNION ALL
        SELECT e.period_start, h.*
        FROM (SELECT DISTINCT lo, hi FROM edges) AS d CROSS JOIN LATERAL kpi.cell_hours(d.lo, d.hi, wanted) AS h
        JOIN edges AS e ON e.site = h.site AND e.lo = d.lo AND e.hi = d.hi
    )
    SELECT p.site, p.period_start, p.cell_id, p.object, p.part, p.figure, sum(p.n)::float8, sum(p.total), max(p.largest),
           sum(p.weighted), sum(p.weight), sum(p.seconds)
    FROM pieces AS p GROUP BY 1, 2, 3, 4, 5, 6
$$;

-- A weighted mean as (what to divide, by what). One report alone needs no weight; several without any give no mean.
CREATE FUNCTION kpi.weighed(n double precision, total double precision, weighted double precision, weight double precision)
RETURNS double precision[]
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN n = 1 AND coalesce(weight, 0) = 0 THEN ARRAY[total, 1] ELSE ARRAY[weighted, weight] END
$$;

-- By site (asset null), cell_id, and cell of it where one cell_id stands for several; by part: all, one 5QI, one slice.
CREATE FUNCTION kpi.cell_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
-- As kpi.numbers: compiling takes seconds. And nobody can tell the planner how many rows a function answers: what is joined
-- here is joined by equality.
SET jit = off
SET enable_nestloop = off
AS $$
    WITH sums AS MATERIALIZED (
        SELECT * FROM kpi.cell_sums(by, since, until, known_at) AS s WHERE s.figure <> 'reports'
    ), crowded AS (
        SELECT s.cell_id FROM sums AS s WHERE s.object !~ '=' GROUP BY 1 HAVING count(DISTINCT s.object) > 1
    ), levels AS (
        SELECT s.site, s.period_start, s.cell_id, NULL::text AS object, s.part, s.figure, sum(s.n) AS n,
               sum(s.total) AS total, max(s.largest) AS largest, sum(s.weighted) AS weighted, sum(s.weight) AS weight,
               sum(s.total / nullif(s.seconds, 0)) AS rate
        FROM sums AS s
        GROUP BY GROUPING SETS (
            (s.site, s.period_start, s.part, s.figure, s.cell_id), (s.site, s.period_start, s.part, s.figure)
        )
        UNION ALL
        SELECT s.site, s.period_start, s.cell_id, s.object, s.part, s.figure, s.n, s.total, s.largest, s.weighted,
               s.weight, s.total / nullif(s.seconds, 0)
        FROM sums AS s WHERE s.object !~ '=' AND s.cell_id IN (SELECT c.cell_id FROM crowded AS c)
    ), wide AS (
        SELECT l.site, l.period_start, l.cell_id, l.object, l.part,
               sum(l.total) FILTER (WHERE l.figure = 'RRC.ConnEstabAtt') AS rrc_att,
               sum(l.total) FILTER (WHERE l.figure = 'RRC.ConnEstabSucc') AS rrc_succ,
               sum(l.total) FILTER (WHERE l.figure = 'UECNTXT.ConnEstabAtt') AS context_att,
               sum(l.total) FILTER (WHERE l.figure = 'UECNTXT.ConnEstabSucc') AS context_succ,
               sum(l.total) FILTER (WHERE l.figure = 'DRB.EstabAtt') AS drb_att,
               sum(l.total) FILTER (WHERE l.figure = 'DRB.EstabSucc') AS drb_succ,
               sum(l.total) FILTER (WHERE l.figure = 'SM.PDUSessionSetupReq') AS pdu_att,
               sum(l.total) FILTER (WHERE l.figure = 'SM.PDUSessionSetupSucc') AS pdu_succ,
               sum(l.total) FILTER (WHERE l.figure IN ('MM.HoPrepInterReq', 'MM.HoPrepIntraReq')) AS prep_att,
               sum(l.total) FILTER (WHERE l.figure IN ('MM.HoPrepInterSucc', 'MM.HoPrepIntraSucc')) AS prep_succ,
               sum(l.total) FILTER (WHERE l.figure IN ('MM.HoExeInterReq', 'MM.HoExeIntraReq')) AS exe_att,
               sum(l.total) FILTER (WHERE l.figure IN ('MM.HoExeInterSucc', 'MM.HoExeIntraSucc')) AS exe_succ,
               max(l.largest) FILTER (WHERE l.figure = 'MM.HoExeInterReq.TimeMax') AS handover_time_max,
               sum(l.n) FILTER (WHERE l.figure = 'MM.HoExeInterReq.TimeMax') AS handover_time_maxima,
               sum(l.total) FILTER (WHERE l.figure = 'QF.RelActNbr') AS flow_releases,
               sum(l.total) FILTER (WHERE l.figure = 'QF.SessionTimeQoS') AS flow_time,
               sum(l.total) FILTER (WHERE l.figure = 'QF.SessionTimeUE') AS device_time,
               sum(l.total) FILTER (WHERE l.figure = 'DRB.RelActNbr') AS bearer_releases,
               sum(l.total) FILTER (WHERE l.figure = 'DRB.SessionTime') AS bearer_time,
               sum(l.rate) FILTER (WHERE l.figure = 'GTP.InDataOctN3UPF') AS n3_ul,
               sum(l.n) FILTER (WHERE l.figure = 'GTP.InDataOctN3UPF') AS n3_ul_n,
               sum(l.rate) FILTER (WHERE l.figure = 'GTP.OutDataOctN3UPF') AS n3_dl,
               sum(l.n) FILTER (WHERE l.figure = 'GTP.OutDataOctN3UPF') AS n3_dl_n,
               sum(l.total) FILTER (WHERE l.figure IN ('DRB.PdcpSduVolumeDL', 'DRB.PdcpSduVolumeUL')) AS volume,
               sum(l.total) FILTER (WHERE l.figure = 'PEE.Energy') AS energy,
               sum(l.n) FILTER (WHERE l.figure = 'PEE.Energy') AS energy_n,
               jsonb_object_agg(l.figure, l.n) FILTER (WHERE l.figure !~ '[.]') AS of_n,
               jsonb_object_agg(l.figure, kpi.weighed(l.n, l.total, l.weighted, l.weight))
                   FILTER (WHERE l.figure !~ '[.]') AS mean
        FROM levels AS l GROUP BY 1, 2, 3, 4, 5
    ), with_whole AS (
        SELECT x.*, max(x.rrc_succ) FILTER (WHERE x.part = '') OVER of_all AS all_rrc_succ,
               max(x.rrc_att) FILTER (WHERE x.part = '') OVER of_all AS all_rrc_att,
               max(x.context_succ) FILTER (WHERE x.part = '') OVER of_all AS all_context_succ,
               max(x.context_att) FILTER (WHERE x.part = '') OVER of_all AS all_context_att
        FROM wide AS x WINDOW of_all AS (PARTITION BY x.site, x.period_start, x.cell_id, x.object)
    )
    SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, 'cell', x.cell_id, x.object, nullif(x.part, ''),
           jsonb_build_object(
               'accessible', x.all_rrc_succ * x.all_context_succ * x.drb_succ,
               'access_attempts', x.all_rrc_att * x.all_context_att * x.drb_att, 'drb_attempts', x.drb_att,
               'pdu_successes', x.pdu_succ, 'pdu_requests', x.pdu_att,
               'handed_over', x.prep_succ * x.exe_succ, 'handover_attempts', x.prep_att * x.exe_att,
               'handovers', x.exe_att, 'handover_time_sum', x.mean->'handover_time'->0,
               'handover_time_weight', x.mean->'handover_time'->1, 'handover_times', x.of_n->'handover_time',
               'handover_time_max_s', x.handover_time_max, 'handover_time_maxima', x.handover_time_maxima,
               'flow_releases', x.flow_releases, 'flow_time_s', x.flow_time, 'device_time_s', x.device_time,
               'bearer_releases', x.bearer_releases, 'bearer_time_s', x.bearer_time
           ) || jsonb_build_object(
               'throughput_dl_sum', x.mean->'throughput_dl'->0, 'throughput_dl_weight', x.mean->'throughput_dl'->1,
               'throughputs_dl', x.of_n->'throughput_dl',
               'throughput_ul_sum', x.mean->'throughput_ul'->0, 'throughput_ul_weight', x.mean->'throughput_ul'->1,
               'throughputs_ul', x.of_n->'throughput_ul',
               'du_latency_dl_sum', x.mean->'du_latency_dl'->0, 'du_latency_dl_weight', x.mean->'du_latency_dl'->1,
               'du_latencies_dl', x.of_n->'du_latency_dl',
               'du_delay_dl_sum', x.mean->'du_delay_dl'->0, 'du_delay_dl_weight', x.mean->'du_delay_dl'->1,
               'du_delays_dl', x.of_n->'du_delay_dl',
               'du_delay_ul_sum', x.mean->'du_delay_ul'->0, 'du_delay_ul_weight', x.mean->'du_delay_ul'->1,
               'du_delays_ul', x.of_n->'du_delay_ul'
           ) || jsonb_build_object(
               'cuup_delay_dl_sum', x.mean->'cuup_delay_dl'->0, 'cuup_delay_dl_weight', x.mean->'cuup_delay_dl'->1,
               'cuup_delays_dl', x.of_n->'cuup_delay_dl',
               'cuup_delay_ul_sum', x.mean->'cuup_delay_ul'->0, 'cuup_delay_ul_weight', x.mean->'cuup_delay_ul'->1,
               'cuup_delays_ul', x.of_n->'cuup_delay_ul',
               'delay_dl_s', (x.mean->'cuup_delay_dl'->>0)::float8 / nullif((x.mean->'cuup_delay_dl'->>1)::float8, 0)
                   + (x.mean->'du_delay_dl'->>0)::float8 / nullif((x.mean->'du_delay_dl'->>1)::float8, 0),
               'delay_ul_s', (x.mean->'cuup_delay_ul'->>0)::float8 / nullif((x.mean->'cuup_delay_ul'->>1)::float8, 0)
                   + (x.mean->'du_delay_ul'->>0)::float8 / nullif((x.mean->'du_delay_ul'->>1)::float8, 0),
               'n3_ul_bps', x.n3_ul, 'n3_ul_reports', x.n3_ul_n, 'n3_dl_bps', x.n3_dl, 'n3_dl_reports', x.n3_dl_n,
               'volume_bit', x.volume, 'energy_j', x.energy, 'energy_reports', x.energy_n
           )
    FROM with_whole AS x
    JOIN kpi.network_windows(by, since, until, known_at) AS w ON w.site = x.site AND w.period_start = x.period_start
$$;

-- The readings of each window, per device and serving cell.
CREATE FUNCTION kpi.radio_sums(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (period_start timestamptz, hours kpi.radio_hour)
LANGUAGE sql STABLE
AS $$
    WITH w AS MATERIALIZED (
        SELECT * FROM kpi.network_windows(by, since, until, known_at)
    ), edges AS (
        SELECT w.site, w.period_start, e.lo, e.hi
        FROM w CROSS JOIN LATERAL (
            VALUES (w.period_start, least(w.first_hour, w.period_end)), (greatest(w.first_hour, w.last_hour), w.period_end)
        ) AS e (lo, hi)
        WHERE e.lo < e.hi
    )
    SELECT w.period_start, h
    FROM kpi.radio_hours_known((SELECT min(first_hour) FROM w), (SELECT max(last_hour) FROM w)) AS h
    JOIN (
        SELECT w.site, w.period_start, generate_series(w.first_hour, w.last_hour - INTERVAL '1 hour', '1 hour') AS bucket
        FROM w
    ) AS w ON w.site = h.site AND w.bucket = h.bucket
    UNION ALL
    SELECT e.period_start, h
    FROM (SELECT DISTINCT lo, hi FROM edges) AS d CROSS JOIN LATERAL kpi.radio_hours(d.lo, d.hi) AS h
    JOIN edges AS e ON e.site = h.site AND e.lo = d.lo AND e.hi = d.hi
$$;

-- By device, and of all devices of a site (asset null). Percentiles do not add up: they are of the raw readings.
CREATE FUNCTION kpi.device_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
SET jit = off
SET enable_nestloop = off
AS $$
    WITH w AS MATERIALIZED (
        SELECT * FROM kpi.network_windows(by, since, until, known_at)
    ), added AS (
        SELECT (r.hours).site, r.period_start, (r.hours).device_id, sum((r.hours).readings) AS readings,
               sum((r.hours).rsrp_dbm) AS rsrp_dbm, sum((r.hours).rsrp_n) AS rsrp_n,
               sum((r.hours).sinr_db) AS sinr_db, sum((r.hours).sinr_n) AS sinr_n, sum((r.hours).rtt_ms) AS rtt_ms,
               sum((r.hours).rtt_ms_sq) AS rtt_ms_sq, sum((r.hours).rtt_n) AS rtt_n,
               max((r.hours).rtt_max_ms) AS rtt_max_ms, sum((r.hours).rtt_in_30_ms) AS rtt_in_30_ms,
               sum((r.hours).handovers) AS handovers
        FROM kpi.radio_sums(by, since, until, known_at) AS r
        GROUP BY GROUPING SETS (((r.hours).site, r.period_start, (r.hours).device_id), ((r.hours).site, r.period_start))
    ), shares AS (
        SELECT w.site, w.period_start, s.device_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY s.rtt_ms) AS p50,
               percentile_cont(0.99) WITHIN GROUP (ORDER BY s.rtt_ms) AS p99
        FROM w JOIN port.radio_sample AS s ON s.site = w.site AND s.time >= w.period_start AND s.time < w.period_end
        WHERE s.time >= (SELECT min(w.period_start) FROM w) AND s.time < (SELECT max(w.period_end) FROM w)
            AND s.rtt_ms IS NOT NULL
        GROUP BY GROUPING SETS ((w.site, w.period_start, s.device_id), (w.site, w.period_start))
    )
    SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, 'device', a.device_id, NULL::text, NULL::text,
           jsonb_build_object(
               'readings', a.readings, 'rsrp_dbm', a.rsrp_dbm, 'rsrp_n', a.rsrp_n, 'sinr_db', a.sinr_db,
               'sinr_n', a.sinr_n, 'rtt_ms', a.rtt_ms, 'rtt_ms_sq', a.rtt_ms_sq, 'rtt_n', a.rtt_n,
               'rtt_max_ms', a.rtt_max_ms, 'rtt_p50_ms', s.p50, 'rtt_p99_ms', s.p99, 'rtt_in_30_ms', a.rtt_in_30_ms,
               'handovers', a.handovers
           )
    FROM added AS a
    JOIN w ON w.site = a.site AND w.period_start = a.period_start
    LEFT JOIN shares AS s ON s.site = a.site AND s.period_start = a.period_start
        AND s.device_id IS NOT DISTINCT FROM a.device_id
$$;

-- A crane's energy with that of the cells that served it. Of a cell's PEE.Energy in the window a crane has the share of its
-- devices' readings among all readings that name the cell; what cells spent on nobody is nobody's. A serving cell is named
-- by its cell_id, with or without the site, or by the object of its reports.
CREATE FUNCTION kpi.energy_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
SET jit = off
SET enable_nestloop = off
AS $$
    WITH sums AS MATERIALIZED (
        SELECT * FROM kpi.cell_sums(by, since, until, known_at, ARRAY['PEE.Energy', 'reports']) AS s WHERE s.part = ''
    ), spent AS (
        SELECT s.site, s.period_start, s.cell_id, sum(s.total) / 3.6e6 AS kwh
        FROM sums AS s WHERE s.figure = 'PEE.Energy' GROUP BY 1, 2, 3
    ), names AS (
        SELECT DISTINCT s.site, s.cell_id, n.name
        FROM sums AS s CROSS JOIN LATERAL (
            VALUES (s.cell_id), (substring(s.cell_id FROM length(s.site) + 2)), (s.object)
        ) AS n (name)
        WHERE s.figure = 'reports'
    ), served AS (
        SELECT (r.hours).site, r.period_start, n.cell_id, a.carried_by AS crane_id, sum((r.hours).readings) AS readings
        FROM kpi.radio_sums(by, since, until, known_at) AS r
        JOIN names AS n ON n.site = (r.hours).site AND n.name = (r.hours).serving_cell
        LEFT JOIN port.asset AS a ON a.asset_id = (r.hours).device_id
        GROUP BY 1, 2, 3, 4
    ), shared AS (
        SELECT v.site, v.period_start, v.crane_id, s.kwh * v.readings / sum(v.readings) OVER (
            PARTITION BY v.site, v.period_start, v.cell_id
        ) AS kwh
        FROM served AS v
        JOIN spent AS s ON s.site = v.site AND s.period_start = v.period_start AND s.cell_id = v.cell_id
    ), cranes AS (
        SELECT h.site, h.period_start, h.crane_id, coalesce(a.type, 'crane') AS type, sum(h.kwh) AS kwh
        FROM shared AS h LEFT JOIN port.asset AS a ON a.asset_id = h.crane_id
        WHERE h.crane_id IS NOT NULL
        GROUP BY GROUPING SETS ((h.site, h.period_start, 4, h.crane_id), (h.site, h.period_start, 4))
    )
    SELECT m.site, m.shift, m.period_start, m.period_end, m.as_of, 'energy', m.asset, NULL::text, m.part,
           jsonb_build_object(
               'energy_kwh', (m.measures->>'energy_kwh')::float8 + coalesce(c.kwh, 0),
               'network_kwh', coalesce(c.kwh, 0), 'energy_moves', m.measures->'energy_moves'
           )
    FROM kpi.crane_measures(by, since, until, known_at) AS m
    LEFT JOIN cranes AS c ON c.site = m.site AND c.period_start = m.period_start AND c.type = m.part
        AND c.crane_id IS NOT DISTINCT FROM m.asset
    WHERE m.grain = 'crane'
        AND EXISTS (SELECT FROM spent AS s WHERE s.site = m.site AND s.period_start = m.period_start)
$$;

-- Granularity periods that came ÷ those that the window has room for, of every object from its first report to a day after
-- its newest one: of a site, of each cell_id, and of each object of it.
CREATE FUNCTION kpi.cell_coverage(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, period_start timestamptz, asset text, object text, reports double precision, covered_s double precision,
    expected_s double precision
)
LANGUAGE sql STABLE
SET jit = off
SET enable_nestloop = off
AS $$
    WITH w AS MATERIALIZED (
        SELECT * FROM kpi.network_windows(by, since, until, known_at)
    ), came AS MATERIALIZED (
        SELECT s.site, s.period_start, s.cell_id, s.object, s.n, s.seconds
        FROM kpi.cell_sums(by, since, until, known_at, ARRAY['reports']) AS s
    ), lives AS MATERIALIZED (
        SELECT h.site, h.cell_id, h.object, min(h.bucket) AS first_hour, to_timestamp(max(h.largest)) AS newest
        FROM kpi.cell_hours_known('-infinity', 'infinity', ARRAY['reports']) AS h GROUP BY 1, 2, 3
    ), due AS (
        SELECT c.site, c.period_start, c.cell_id, c.object FROM came AS c
        UNION
        SELECT w.site, w.period_start, l.cell_id, l.object
        FROM w JOIN lives AS l ON l.site = w.site AND l.first_hour < w.period_end
            AND l.newest + INTERVAL '1 day' > w.period_start
    )
    SELECT d.site, d.period_start, d.cell_id, d.object, coalesce(sum(c.n), 0), coalesce(sum(c.seconds), 0),
           sum(extract(epoch FROM w.as_of - w.period_start))::float8
    FROM due AS d
    JOIN w ON w.site = d.site AND w.period_start = d.period_start
    LEFT JOIN came AS c ON c.site = d.site AND c.period_start = d.period_start AND c.cell_id = d.cell_id
        AND c.object = d.object
    GROUP BY GROUPING SETS (
        (d.site, d.period_start, d.cell_id, d.object), (d.site, d.period_start, d.cell_id), (d.site, d.period_start)
    )
$$;

-- kpi.numbers of the domains `cell` and `device`, with completeness counted in granularity periods. What devices saw comes
-- when they like: it has none.
CREATE FUNCTION kpi.network_numbers(
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
        AND coalesce(c.asset, '') = CASE WHEN v.grain = 'cell' THEN coalesce(v.asset, '') ELSE '' END
    WHERE v.x IS NOT NULL AND (v.divides IS NULL OR v.y IS NOT NULL)
$$;

-- One door to all numbers.
ALTER FUNCTION kpi.numbers(text, text, timestamptz, timestamptz, timestamptz) RENAME TO fact_numbers;
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
AS $$
    SELECT * FROM kpi.fact_numbers(of_domain, by, since, until, known_at) WHERE of_domain NOT IN ('cell', 'device')
    UNION ALL
    SELECT * FROM kpi.network_numbers(of_domain, by, since, until, known_at) WHERE of_domain IN ('cell', 'device')
$$;

CREATE VIEW kpi.network_span AS
SELECT least(
    (SELECT min(bucket) FROM kpi.cell_hour), (SELECT min(bucket) FROM kpi.radio_hour), (SELECT min(bucket) FROM kpi.stale_hour)
) - INTERVAL '1 day' AS since, max(newest) + INTERVAL '1 s' AS until
FROM kpi.network_clock;

CREATE VIEW kpi.cell_hourly AS
SELECT n.*, substring(n.part FROM '^5qi=(.*)$') AS five_qi, substring(n.part FROM '^snssai=(.*)$') AS snssai
FROM kpi.network_span AS s CROSS JOIN LATERAL kpi.network_numbers('cell', 'hour', s.since, s.until) AS n;
CREATE VIEW kpi.cell_shift AS
SELECT n.*, substring(n.part FROM '^5qi=(.*)$') AS five_qi, substring(n.part FROM '^snssai=(.*)$') AS snssai
FROM kpi.network_span AS s CROSS JOIN LATERAL kpi.network_numbers('cell', 'shift', s.since, s.until) AS n;
CREATE VIEW kpi.cell_daily AS
SELECT n.*, substring(n.part FROM '^5qi=(.*)$') AS five_qi, substring(n.part FROM '^snssai=(.*)$') AS snssai
FROM kpi.network_span AS s CROSS JOIN LATERAL kpi.network_numbers('cell', 'day', s.since, s.until) AS n;
CREATE VIEW kpi.device_hourly AS
SELECT n.* FROM kpi.network_span AS s CROSS JOIN LATERAL kpi.network_numbers('device', 'hour', s.since, s.until) AS n;
CREATE VIEW kpi.device_shift AS
SELECT n.* FROM kpi.network_span AS s CROSS JOIN LATERAL kpi.network_numbers('device', 'shift', s.since, s.until) AS n;
CREATE VIEW kpi.device_daily AS
SELECT n.* FROM kpi.network_span AS s CROSS JOIN LATERAL kpi.network_numbers('device', 'day', s.since, s.until) AS n;

-- Per hour: of a site (asset null), of each cell_id (object null), and of each object.
CREATE VIEW kpi.cell_completeness AS
SELECT c.site, c.asset, c.object, c.period_start AS bucket, c.reports, c.covered_s, c.expected_s,
       least(1, c.covered_s / nullif(c.expected_s, 0)) AS completeness
FROM kpi.network_span AS s CROSS JOIN LATERAL kpi.cell_coverage('hour', s.since, s.until, 'infinity') AS c;

GRANT SELECT ON
    kpi.network_clock, kpi.network_span, kpi.cell_hourly, kpi.cell_shift, kpi.cell_daily, kpi.device_hourly,
    kpi.device_shift, kpi.device_daily, kpi.cell_completeness
TO quaystream_reader;
REVOKE ALL ON FUNCTION
    kpi.cell_hours_known(timestamptz, timestamptz, text[]), kpi.radio_hours_known(timestamptz, timestamptz),
    kpi.network_windows(text, timestamptz, timestamptz, timestamptz),
    kpi.cell_sums(text, timestamptz, timestamptz, timestamptz, text[]),
    kpi.weighed(double precision, double precision, double precision, double precision),
    kpi.cell_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.radio_sums(text, timestamptz, timestamptz, timestamptz),
    kpi.device_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.energy_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.cell_coverage(text, timestamptz, timestamptz, timestamptz),
    kpi.network_numbers(text, text, timestamptz, timestamptz, timestamptz),
    kpi.numbers(text, text, timestamptz, timestamptz, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.cell_hours_known(timestamptz, timestamptz, text[]), kpi.radio_hours_known(timestamptz, timestamptz),
    kpi.network_windows(text, timestamptz, timestamptz, timestamptz),
    kpi.cell_sums(text, timestamptz, timestamptz, timestamptz, text[]),
    kpi.weighed(double precision, double precision, double precision, double precision),
    kpi.cell_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.radio_sums(text, timestamptz, timestamptz, timestamptz),
    kpi.device_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.energy_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.cell_coverage(text, timestamptz, timestamptz, timestamptz),
    kpi.network_numbers(text, text, timestamptz, timestamptz, timestamptz),
    kpi.numbers(text, text, timestamptz, timestamptz, timestamptz)
TO quaystream_reader;
