-- What the KPIs of the network are made of, per hour: counters of cells with suspect values left out and means weighted
-- report by report, and readings of devices. An hour that is marked is computed from its raw rows when it is read; a worker
-- stores it once it is over. So numbers over a month read hours, and are never older than the events.

-- Rows come almost in order of time: small, and almost free to write.
CREATE INDEX cell_measurement_time ON port.cell_measurement USING brin (time) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX radio_sample_time ON port.radio_sample USING brin (time) WITH (pages_per_range = 32, autosummarize = on);

-- The counters that numbers are made of (TS 28.552). A mean is only combined with others by its weight.
CREATE TABLE kpi.cell_counter (
    name    text PRIMARY KEY,
    is_mean boolean NOT NULL DEFAULT false
);
INSERT INTO kpi.cell_counter (name) VALUES
    ('RRC.ConnEstabAtt'), ('RRC.ConnEstabSucc'), ('UECNTXT.ConnEstabAtt'), ('UECNTXT.ConnEstabSucc'),
    ('DRB.EstabAtt'), ('DRB.EstabSucc'), ('SM.PDUSessionSetupReq'), ('SM.PDUSessionSetupSucc'),
    ('MM.HoPrepInterReq'), ('MM.HoPrepInterSucc'), ('MM.HoPrepIntraReq'), ('MM.HoPrepIntraSucc'),
    ('MM.HoExeInterReq'), ('MM.HoExeInterSucc'), ('MM.HoExeIntraReq'), ('MM.HoExeIntraSucc'),
    ('MM.HoExeInterReq.TimeMax'), ('QF.RelActNbr'), ('QF.SessionTimeQoS'), ('QF.SessionTimeUE'),
    ('DRB.RelActNbr'), ('DRB.SessionTime'), ('GTP.InDataOctN3UPF'), ('GTP.OutDataOctN3UPF'),
    ('DRB.PdcpSduVolumeDL'), ('DRB.PdcpSduVolumeUL'), ('PEE.Energy');
INSERT INTO kpi.cell_counter (name, is_mean) VALUES
    ('MM.HoExeInterReq.TimeMean', true), ('DRB.UEThpDl', true), ('DRB.UEThpUl', true), ('DRB.RlcSduLatencyDl', true),
    ('DRB.RlcSduDelayDl', true), ('DRB.AirIfDelayDl', true), ('DRB.RlcDelayUl', true), ('DRB.AirIfDelayUl', true),
    ('DRB.PdcpSduDelayDl', true), ('DRB.PdcpF1DelayDl', true), ('DRB.PdcpReordDelayUl', true);

-- Hours with new raw rows. Appended by the transaction that wrote them, as in ingest.stale_hour; the newest one stays.
CREATE TABLE kpi.stale_hour (
    kind   text NOT NULL CHECK (kind IN ('cell', 'radio')),
    bucket timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);

-- `object` is the id within NRCellDU=… or NRCellCU=…, so that both halves of a cell meet; of others all of it. `part` is
-- '' (all), '5qi=82' or 'snssai=1-000001'. `figure` is a counter, a weighted mean, or `reports` (then n counts them).
CREATE TABLE kpi.cell_hour (
    bucket   timestamptz NOT NULL,
    site     text NOT NULL,
    cell_id  text NOT NULL,
    object   text NOT NULL,
    part     text NOT NULL,
    figure   text NOT NULL,
    n        bigint NOT NULL,
    total    double precision NOT NULL,
    largest  double precision NOT NULL,
    weighted double precision,
    weight   double precision,
    seconds  double precision NOT NULL,
    PRIMARY KEY (bucket, cell_id, object, part, figure)
);
COMMENT ON COLUMN kpi.cell_hour.weighted IS 'sum of value times weight, of the reports that have a weight';
COMMENT ON COLUMN kpi.cell_hour.seconds IS 'sum of the granularity periods behind it';
CREATE INDEX cell_hour_reports ON kpi.cell_hour (site, bucket, largest) WHERE figure = 'reports';

CREATE TABLE kpi.radio_hour (
    bucket       timestamptz NOT NULL,
    site         text NOT NULL,
    device_id    text NOT NULL,
    serving_cell text NOT NULL,
    readings     bigint NOT NULL,
    rsrp_n       bigint NOT NULL,
    rsrp_dbm     double precision NOT NULL,
    sinr_n       bigint NOT NULL,
    sinr_db      double precision NOT NULL,
    rtt_n        bigint NOT NULL,
    rtt_ms       double precision NOT NULL,
    rtt_ms_sq    double precision NOT NULL,
    rtt_max_ms   double precision,
    rtt_in_30_ms bigint NOT NULL,
    handovers    bigint NOT NULL,
    newest       timestamptz NOT NULL,
    PRIMARY KEY (bucket, device_id, serving_cell)
);
CREATE INDEX radio_hour_site ON kpi.radio_hour (site, bucket, newest);

-- The figures of reports that end in (since, until]: [08:59, 09:00) is of the hour from 08:00 on. Per report, cell and part.
--   * Suspect values, nulls (no value, or a unit that has no SI form) and histograms are left out.
--   * Where a network counts the same by several sets of labels, the set with the fewest labels is taken, once. Sums over
--     causes never add to a total, except for the establishment counters of DRBAccessibility (TS 28.554), of which the causes are taken
--     and mo-Signalling is left out.
--   * Means carry the volume of their direction as their weight (PDCP SDU, same labels, same report time): of the cell, or
--     for other objects of the object or else of the whole cell_id. The handover time carries the handovers it is of.
CREATE FUNCTION kpi.cell_figures(since timestamptz, until timestamptz)
RETURNS TABLE (
    site text, cell_id text, object text, at timestamptz, part text, figure text, n bigint, total double precision,
    largest double precision, weighted double precision, weight double precision, seconds double precision
)
LANGUAGE sql STABLE
AS $$
    WITH told AS MATERIALIZED (
        SELECT m.site, m.cell_id, coalesce(substring(m.object FROM 'NRCell[CD]U=([^,]+)'), m.object) AS object,
               m.object ~ 'NRCell[CD]U=' AS is_cell, m.time AS at, m.granularity_s AS seconds, m.name, m.value_si AS x,
               coalesce(lower(m.labels->>'cause'), '') AS cause, coalesce(m.labels->>'5qi', '') AS five_qi,
               coalesce(m.labels->>'snssai', '') AS snssai,
               (m.labels - ARRAY['5qi', 'snssai', 'cause'])::text AS other, k.keys, n.is_mean
        FROM port.cell_measurement AS m
        JOIN kpi.cell_counter AS n ON n.name = m.name
        CROSS JOIN LATERAL (
            SELECT string_agg(key, ',' ORDER BY key) AS keys
            FROM jsonb_object_keys(m.labels - ARRAY['5qi', 'snssai', 'cause']) AS key
        ) AS k
        WHERE m.time > since AND m.time <= until AND m.suspect IS NOT TRUE AND m.value_si IS NOT NULL
            AND NOT m.labels ? 'bin'
    ), pivoted AS MATERIALIZED (
        SELECT t.site, t.cell_id, t.object, t.is_cell, t.at, t.five_qi, t.snssai, t.other, t.keys,
               max(t.seconds) AS seconds,
               max(t.x) FILTER (WHERE t.name = 'DRB.UEThpDl') AS throughput_dl,
               max(t.x) FILTER (WHERE t.name = 'DRB.UEThpUl') AS throughput_ul,
               max(t.x) FILTER (WHERE t.name = 'DRB.RlcSduLatencyDl') AS latency_dl,
               max(t.x) FILTER (WHERE t.name = 'DRB.RlcSduDelayDl') AS rlc_dl,
               max(t.x) FILTER (WHERE t.name = 'DRB.AirIfDelayDl') AS air_dl,
               max(t.x) FILTER (WHERE t.name = 'DRB.RlcDelayUl') AS rlc_ul,
               max(t.x) FILTER (WHERE t.name = 'DRB.AirIfDelayUl') AS air_ul,
               max(t.x) FILTER (WHERE t.name = 'DRB.PdcpSduDelayDl') AS pdcp_dl,
               max(t.x) FILTER (WHERE t.name = 'DRB.PdcpF1DelayDl') AS f1_dl,
               max(t.x) FILTER (WHERE t.name = 'DRB.PdcpReordDelayUl') AS reorder_ul,
               max(t.x) FILTER (WHERE t.name = 'MM.HoExeInterReq.TimeMean') AS handover_time,
               max(t.x) FILTER (WHERE t.name = 'MM.HoExeInterSucc') AS handovers,
               sum(t.x) FILTER (WHERE t.name = 'DRB.PdcpSduVolumeDL') AS volume_dl,
               sum(t.x) FILTER (WHERE t.name = 'DRB.PdcpSduVolumeUL') AS volume_ul
        FROM told AS t WHERE t.cause IN ('', 'sum') GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ), volumes AS (
        SELECT p.cell_id, p.at, p.five_qi, p.snssai, p.other, sum(p.volume_dl) AS dl, sum(p.volume_ul) AS ul
        FROM pivoted AS p WHERE coalesce(p.volume_dl, p.volume_ul) IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ), spread AS (
        SELECT t.site, t.cell_id, t.object, t.at, t.seconds, t.name AS figure, t.cause, t.five_qi, t.snssai, t.other, t.x,
               NULL::float8 AS weight, t.keys
        FROM told AS t WHERE NOT t.is_mean
        UNION ALL
        SELECT p.site, p.cell_id, p.object, p.at, p.seconds, f.figure, '', p.five_qi, p.snssai, p.other, f.x, f.weight,
               p.keys
        FROM pivoted AS p
        LEFT JOIN volumes AS v ON NOT p.is_cell AND v.cell_id = p.cell_id AND v.at = p.at AND v.five_qi = p.five_qi
            AND v.snssai = p.snssai AND v.other = p.other
        CROSS JOIN LATERAL (VALUES
            ('throughput_dl', p.throughput_dl, coalesce(p.volume_dl, v.dl)),
            ('throughput_ul', p.throughput_ul, coalesce(p.volume_ul, v.ul)),
            ('du_latency_dl', p.latency_dl, coalesce(p.volume_dl, v.dl)),
            ('du_delay_dl', p.rlc_dl + p.air_dl, coalesce(p.volume_dl, v.dl)),
            ('cuup_delay_dl', p.pdcp_dl + coalesce(p.f1_dl, 0), coalesce(p.volume_dl, v.dl)),
            ('du_delay_ul', p.rlc_ul + p.air_ul, coalesce(p.volume_ul, v.ul)),
            ('cuup_delay_ul', p.reorder_ul + coalesce(p.f1_dl, 0), coalesce(p.volume_ul, v.ul)),
            ('handover_time', p.handover_time, p.handovers)
        ) AS f (figure, x, weight)
        WHERE f.x IS NOT NULL
    ), ranked AS (
        SELECT s.*, p.part, rank() OVER (
            PARTITION BY s.cell_id, s.object, s.at, s.figure, p.part ORDER BY
                (s.figure ~ '^(RRC|UECNTXT)[.]ConnEstab') = (s.cause IN ('', 'sum')), s.cause = 'sum',
                (s.five_qi <> '')::int + (s.snssai <> '')::int + coalesce(cardinality(string_to_array(s.keys, ',')), 0),
                s.five_qi = '', s.snssai = '', s.keys
        ) AS choice
        FROM spread AS s CROSS JOIN LATERAL (
            VALUES ('', true), ('5qi=' || s.five_qi, s.five_qi <> ''), ('snssai=' || s.snssai, s.snssai <> '')
        ) AS p (part, is_there)
        WHERE p.is_there
    )
    SELECT r.site, r.cell_id, r.object, r.at, r.part, r.figure, count(*), sum(r.x), max(r.x), sum(r.x * r.weight),
           sum(r.weight), max(r.seconds)::float8
    FROM ranked AS r
    WHERE r.choice = 1 AND NOT (r.cause = 'mo-signalling' AND r.figure ~ '^(RRC|UECNTXT)[.]ConnEstab')
    GROUP BY 1, 2, 3, 4, 5, 6
$$;

-- The same added up per hour, and the reports of each object, suspect ones included: they came.
CREATE FUNCTION kpi.cell_hours(since timestamptz, until timestamptz) RETURNS SETOF kpi.cell_hour
LANGUAGE sql STABLE
SET jit = off
AS $$
    SELECT time_bucket(INTERVAL '1 hour', f.at - INTERVAL '1 us'), f.site, f.cell_id, f.object, f.part, f.figure,
           sum(f.n)::bigint, sum(f.total), max(f.largest), sum(f.weighted), sum(f.weight), sum(f.seconds)
    FROM kpi.cell_figures(since, until) AS f GROUP BY 1, 2, 3, 4, 5, 6
    UNION ALL
    SELECT time_bucket(INTERVAL '1 hour', r.at - INTERVAL '1 us'), r.site, r.cell_id, r.object, '', 'reports',
           count(*), sum(r.seconds), max(extract(epoch FROM r.at))::float8, NULL, NULL, sum(r.seconds)
    FROM (
        SELECT m.site, m.cell_id, m.object, m.time AS at, min(m.granularity_s)::float8 AS seconds
        FROM port.cell_measurement AS m WHERE m.time > since AND m.time <= until GROUP BY 1, 2, 3, 4
    ) AS r
    GROUP BY 1, 2, 3, 4
$$;

-- Readings in [since, until). A handover is one that the device tells, or else a change of the serving cell since its
-- reading before, at most ten minutes ago. 30 ms is what a round trip of remote control may take.
CREATE FUNCTION kpi.radio_hours(since timestamptz, until timestamptz) RETURNS SETOF kpi.radio_hour
LANGUAGE sql STABLE
SET jit = off
AS $$
    WITH told AS (
        SELECT r.*, lag(r.serving_cell) OVER (PARTITION BY r.device_id ORDER BY r.time, r.event_id) AS before
        FROM port.radio_sample AS r WHERE r.time >= since - INTERVAL '10 min' AND r.time < until
    )
    SELECT time_bucket(INTERVAL '1 hour', t.time), t.site, t.device_id, coalesce(t.serving_cell, ''), count(*),
           count(t.rsrp_dbm), coalesce(sum(t.rsrp_dbm), 0), count(t.sinr_db), coalesce(sum(t.sinr_db), 0),
           count(t.rtt_ms), coalesce(sum(t.rtt_ms), 0), coalesce(sum(t.rtt_ms ^ 2), 0), max(t.rtt_ms),
           count(*) FILTER (WHERE t.rtt_ms <= 30),
           count(*) FILTER (WHERE coalesce(t.handover, t.serving_cell <> t.before)), max(t.time)
    FROM told AS t WHERE t.time >= since GROUP BY 1, 2, 3, 4
$$;

-- Stores one hour anew, unless raw rows of it are gone.
CREATE FUNCTION kpi.store_hour(of_kind text, hour timestamptz) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    raw_table text := CASE of_kind WHEN 'cell' THEN 'port.cell_measurement' ELSE 'port.radio_sample' END;
BEGIN
    IF EXISTS (SELECT FROM ingest.retired AS r WHERE r.table_name = raw_table AND r.to_time > hour) THEN
        RETURN;
    END IF;
    IF of_kind = 'cell' THEN
        DELETE FROM kpi.cell_hour AS h WHERE h.bucket = hour;
        INSERT INTO kpi.cell_hour SELECT * FROM kpi.cell_hours(hour, hour + INTERVAL '1 hour');
    ELSE
        DELETE FROM kpi.radio_hour AS h WHERE h.bucket = hour;
        INSERT INTO kpi.radio_hour SELECT * FROM kpi.radio_hours(hour, hour + INTERVAL '1 hour');
    END IF;
END
$$;

-- What is there already is stored by the first worker.
INSERT INTO kpi.stale_hour (kind, bucket)
SELECT 'cell', bucket FROM port.cell_hour UNION SELECT 'cell', bucket - INTERVAL '1 hour' FROM port.cell_hour
UNION SELECT 'radio', bucket FROM port.radio_hour;

GRANT SELECT, INSERT, DELETE ON kpi.stale_hour, kpi.cell_hour, kpi.radio_hour TO quaystream_worker;
GRANT SELECT ON kpi.cell_counter TO quaystream_worker, quaystream_reader;
GRANT SELECT ON kpi.stale_hour, kpi.cell_hour, kpi.radio_hour TO quaystream_reader;
REVOKE ALL ON FUNCTION
    kpi.cell_figures(timestamptz, timestamptz), kpi.cell_hours(timestamptz, timestamptz),
    kpi.radio_hours(timestamptz, timestamptz), kpi.store_hour(text, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.cell_figures(timestamptz, timestamptz), kpi.cell_hours(timestamptz, timestamptz),
    kpi.radio_hours(timestamptz, timestamptz)
TO quaystream_worker, quaystream_reader;
GRANT EXECUTE ON FUNCTION kpi.store_hour(text, timestamptz) TO quaystream_worker;
