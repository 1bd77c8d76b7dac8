-- What numbers are made of: per period, asset and part the sums that definitions divide (kpi.definition names them).
-- Intervals are multiranges: a union never counts an overlap twice. Windows are half-open; what ends in one belongs to it.

-- What a crane was from when to when: allocated and logged_on by call, delay by code, down by fault, on and working.
-- What has no end lasts; what has an end and no start had begun before. Looks back 31 days for what was still open.
CREATE FUNCTION kpi.crane_spans(since timestamptz, until timestamptz)
RETURNS TABLE (site text, crane_id text, kind text, thing text, span tstzrange)
LANGUAGE sql STABLE
AS $$
    WITH told AS (
        SELECT a.site, a.crane_id, a.time, a.event_id,
               CASE a.state WHEN 'allocated' THEN 'allocated' WHEN 'released' THEN 'allocated'
                   WHEN 'logged_on' THEN 'logged_on' WHEN 'logged_off' THEN 'logged_on' ELSE 'delay' END AS kind,
               CASE WHEN a.state IN ('delay_start', 'delay_end') THEN coalesce(a.delay_code, '') ELSE a.call_id END
                   AS thing,
               a.state IN ('allocated', 'logged_on', 'delay_start') AS starts
        FROM port.crane_assignment AS a WHERE a.time >= since - INTERVAL '31 days' AND a.time < until
        UNION ALL
        SELECT f.site, f.crane_id, f.time, f.event_id, 'down', f.code, f.active
        FROM port.crane_fault AS f WHERE f.time >= since - INTERVAL '31 days' AND f.time < until AND f.stops_work
    ), paired AS (
        SELECT *, row_number() OVER (PARTITION BY told.crane_id, told.kind, told.thing ORDER BY told.time, event_id) AS nth,
               min(told.time) FILTER (WHERE NOT starts) OVER (
                   PARTITION BY told.crane_id, told.kind, told.thing ORDER BY told.time, event_id
                   ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
               ) AS ended_at
        FROM told
    ), stated AS (
        SELECT s.site, s.crane_id, s.status, s.time,
               lead(s.time) OVER (PARTITION BY s.crane_id ORDER BY s.time, s.event_id) AS ended_at
        FROM port.crane_status AS s WHERE s.time >= since - INTERVAL '31 days' AND s.time < until
    )
    SELECT p.site, p.crane_id, p.kind, p.thing, tstzrange(p.time, coalesce(p.ended_at, 'infinity'))
    FROM paired AS p WHERE p.starts
    UNION ALL
    SELECT p.site, p.crane_id, p.kind, p.thing, tstzrange(since - INTERVAL '31 days', p.time)
    FROM paired AS p WHERE NOT p.starts AND p.nth = 1
    UNION ALL
    SELECT s.site, s.crane_id, k.kind, '', tstzrange(s.time, coalesce(s.ended_at, 'infinity'))
    FROM stated AS s CROSS JOIN (VALUES ('on'), ('working')) AS k (kind)
    WHERE s.status <> 'off' AND (k.kind = 'on' OR s.status = 'working')
$$;

-- One row per crane and window: its spans cut to the window. A delay belongs to the first cause that claims its time.
CREATE FUNCTION kpi.crane_time(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, crane_id text,
    allocated tstzmultirange, logged_on tstzmultirange, delayed tstzmultirange, is_on tstzmultirange,
    working tstzmultirange, down tstzmultirange, cut tstzrange, cause text, of_cause tstzmultirange
)
LANGUAGE sql STABLE
AS $$
    WITH spans AS (
        SELECT s.site, s.crane_id, s.kind, coalesce(c.cause, 'other') AS cause, coalesce(c.priority, 9) AS priority, s.span
        FROM kpi.crane_spans(since, until + INTERVAL '1 day') AS s
        LEFT JOIN kpi.delay_cause AS c ON c.delay_code = s.thing
    ), whole AS (
        SELECT site, crane_id,
               coalesce(range_agg(span) FILTER (WHERE kind = 'allocated'), '{}') AS allocated,
               coalesce(range_agg(span) FILTER (WHERE kind = 'logged_on'), '{}') AS logged_on,
               coalesce(range_agg(span) FILTER (WHERE kind = 'delay'), '{}') AS delayed,
               coalesce(range_agg(span) FILTER (WHERE kind = 'on'), '{}') AS is_on,
               coalesce(range_agg(span) FILTER (WHERE kind = 'working'), '{}') AS working,
               coalesce(range_agg(span) FILTER (WHERE kind = 'down'), '{}') AS down
        FROM spans GROUP BY site, crane_id
    ), claimed AS (
        SELECT site, crane_id, cause, priority, range_agg(span) AS claim
        FROM spans WHERE kind = 'delay' GROUP BY site, crane_id, cause, priority
    ), causes AS (
        SELECT c.site, c.crane_id, c.cause, c.claim - coalesce(
            (SELECT range_agg(e.claim) FROM claimed AS e WHERE e.crane_id = c.crane_id AND e.priority < c.priority), '{}'
        ) AS span
        FROM claimed AS c
    ), cut AS (
        SELECT w.*, tstzrange(w.period_start, w.as_of) AS cut FROM kpi.windows(by, since, until, known_at) AS w
    )
    SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, t.crane_id,
           t.allocated * w.cut::tstzmultirange, t.logged_on * w.cut::tstzmultirange,
           t.delayed * w.cut::tstzmultirange, t.is_on * w.cut::tstzmultirange,
           t.working * w.cut::tstzmultirange, t.down, w.cut, c.cause,
           c.span * t.allocated * w.cut::tstzmultirange
    FROM cut AS w JOIN whole AS t ON t.site = w.site
    LEFT JOIN causes AS c ON c.site = t.site AND c.crane_id = t.crane_id
$$;

-- What was received and what was expected, by the numbers that gateways give their events: a hole belongs to the hour
-- of the event after it. Events without numbers say nothing about what is missing.
CREATE FUNCTION kpi.sequences(since timestamptz, until timestamptz)
RETURNS TABLE (site text, domain text, asset text, bucket timestamptz, received bigint, expected bigint)
LANGUAGE sql STABLE
AS $$
    WITH streams AS (
        SELECT r.site, 'crane' AS domain, r.crane_id AS asset, 'sample' AS what, r.source, r.bootid,
               time_bucket(INTERVAL '1 hour', r.time) AS bucket, count(*) AS received, min(r.sequence) AS first,
               max(r.sequence) AS last
        FROM port.crane_sample AS r
        WHERE r.time >= since AND r.time < until AND r.sequence IS NOT NULL AND r.bootid IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6, 7
        UNION ALL
        SELECT r.site, 'crane', r.crane_id, 'job', r.source, r.bootid, time_bucket(INTERVAL '1 hour', r.time), count(*),
               min(r.sequence), max(r.sequence)
        FROM port.crane_job AS r
        WHERE r.time >= since AND r.time < until AND r.sequence IS NOT NULL AND r.bootid IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6, 7
        UNION ALL
        SELECT r.site, 'gate', r.gate_id, 'step', r.source, r.bootid, time_bucket(INTERVAL '1 hour', r.time), count(*),
               min(r.sequence), max(r.sequence)
        FROM port.gate_step AS r
        WHERE r.time >= since AND r.time < until AND r.sequence IS NOT NULL AND r.bootid IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6, 7
        UNION ALL
        SELECT r.site, 'cargo', r.cargo_id, 'milestone', r.source, r.bootid, time_bucket(INTERVAL '1 hour', r.time),
               count(*), min(r.sequence), max(r.sequence)
        FROM port.cargo_milestone AS r
        WHERE r.time >= since AND r.time < until AND r.sequence IS NOT NULL AND r.bootid IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6, 7
        UNION ALL
        SELECT r.site, 'vessel', r.vessel_id, 'milestone', r.source, r.bootid, time_bucket(INTERVAL '1 hour', r.time),
               count(*), min(r.sequence), max(r.sequence)
        FROM port.vessel_milestone AS r
        WHERE r.time >= since AND r.time < until AND r.sequence IS NOT NULL AND r.bootid IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6, 7
    ), followed AS (
        SELECT *, coalesce(
            max(last) OVER (
                PARTITION BY s.domain, s.asset, what, source, bootid ORDER BY s.bucket
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), first - 1) AS before
        FROM streams AS s
    )
    SELECT f.site, f.domain, f.asset, f.bucket, sum(f.received)::bigint,
           sum(greatest(f.received, f.last - f.before))::bigint
    FROM followed AS f GROUP BY 1, 2, 3, 4
$$;

-- A crane's work, and the same of all cranes of a type at a site (asset is null).
CREATE FUNCTION kpi.crane_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
AS $$
    WITH w AS (
        SELECT * FROM kpi.windows(by, since, until, known_at)
    ), cycles AS (
        SELECT w.period_start, c.*, extract(epoch FROM c.ended_at - c.started_at)::float8 AS cycle_s
        FROM w JOIN kpi.crane_cycle_as_known(known_at) AS c
            ON c.site = w.site AND c.ended_at >= w.period_start AND c.ended_at < w.period_end
        WHERE c.ended_at >= since AND c.outcome IN ('counted', 'gap', 'suspended', 'hatch')
    ), jobs AS (
        SELECT j.crane_id, j.job_id, max(j.boxes) AS boxes, bool_or(j.move_kind = 'hatch') AS is_hatch,
               min(j.time) FILTER (WHERE j.step = 'delivered') AS delivered_at
        FROM port.crane_job AS j WHERE j.time >= since - INTERVAL '1 day' AND j.time < until + INTERVAL '2 days'
        GROUP BY j.crane_id, j.job_id
    ), confirmed AS (
        SELECT j.crane_id, j.job_id, coalesce(c.ended_at, j.delivered_at) AS at,
               CASE WHEN j.is_hatch THEN 0 ELSE coalesce(j.boxes, c.boxes, 1) END AS boxes
        FROM jobs AS j
        LEFT JOIN LATERAL (
            SELECT c.ended_at, c.boxes FROM kpi.crane_cycle_as_known(known_at) AS c
            WHERE c.crane_id = j.crane_id AND c.job_id = j.job_id AND c.outcome <> 'invalid'
                AND c.ended_at >= since - INTERVAL '1 day' AND c.ended_at < until + INTERVAL '2 days'
            ORDER BY c.ended_at LIMIT 1
        ) AS c ON true
        WHERE j.delivered_at IS NOT NULL
    ), told AS (
        SELECT w.site, w.period_start, c.crane_id, sum(c.boxes)::float8 AS boxes, count(*)::float8 AS jobs
        FROM w JOIN confirmed AS c ON c.crane_id LIKE w.site || '-%' AND c.at >= w.period_start AND c.at < w.period_end
        GROUP BY 1, 2, 3
    ), spent AS (
        SELECT DISTINCT ON (t.site, t.crane_id, t.period_start) t.*,
               kpi.hours(t.allocated) AS allocated_h, kpi.hours(t.logged_on) AS logged_h,
               kpi.hours(t.allocated - t.delayed) AS net_h, kpi.hours(t.logged_on - t.delayed) AS available_h,
               kpi.hours(t.is_on) AS on_h, kpi.hours(t.working) AS working_h,
               kpi.hours(t.is_on - t.down) AS uptime_h,
               kpi.hours(t.down * t.cut::tstzmultirange) AS down_h,
               (SELECT count(*) FROM unnest(t.down) AS d WHERE t.cut @> lower(d))::float8 AS failures,
               (SELECT count(*) FROM unnest(t.down) AS d WHERE t.cut @> upper(d))::float8 AS repairs,
               (SELECT coalesce(sum(extract(epoch FROM upper(d) - lower(d))), 0) / 3600
                FROM unnest(t.down) AS d WHERE t.cut @> upper(d))::float8 AS repair_h
        FROM kpi.crane_time(by, since, until, known_at) AS t
        ORDER BY t.site, t.crane_id, t.period_start
    ), cranes AS (
        SELECT DISTINCT c.site, c.crane_id, c.period_start FROM cycles AS c
        UNION SELECT t.site, t.crane_id, t.period_start FROM told AS t
        UNION SELECT s.site, s.crane_id, s.period_start FROM spent AS s
    ), typed AS (
        SELECT k.*, coalesce(a.type, 'crane') AS type
        FROM cranes AS k LEFT JOIN port.asset AS a ON a.asset_id = k.crane_id
    ), moved AS (
        SELECT k.site, k.period_start, k.type, k.crane_id, coalesce(sum(c.boxes), 0)::float8 AS boxes,
               count(c.cycle_id) FILTER (WHERE c.outcome <> 'hatch')::float8 AS cycles,
               count(c.cycle_id)::float8 AS lifts,
               count(c.cycle_id) FILTER (WHERE c.outcome = 'counted')::float8 AS timed_cycles,
               sum(c.cycle_s) FILTER (WHERE c.outcome = 'counted') AS cycle_s,
               sum(c.cycle_s ^ 2) FILTER (WHERE c.outcome = 'counted') AS cycle_s_sq,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY c.cycle_s) FILTER (WHERE c.outcome = 'counted') AS cycle_p50_s,
               percentile_cont(0.9) WITHIN GROUP (ORDER BY c.cycle_s) FILTER (WHERE c.outcome = 'counted') AS cycle_p90_s,
               sum(c.energy_kwh) FILTER (WHERE c.outcome <> 'hatch') AS energy_kwh,
               count(c.energy_kwh) FILTER (WHERE c.outcome <> 'hatch')::float8 AS energy_moves
        FROM typed AS k LEFT JOIN cycles AS c
            ON c.site = k.site AND c.crane_id = k.crane_id AND c.period_start = k.period_start
        GROUP BY GROUPING SETS ((k.site, k.period_start, k.type, k.crane_id), (k.site, k.period_start, k.type))
    ), rest AS (
        SELECT k.site, k.period_start, k.type, k.crane_id, coalesce(sum(t.boxes), 0) AS confirmed_boxes,
               coalesce(sum(t.jobs), 0) AS confirmed_jobs, sum(s.allocated_h) AS allocated_h, sum(s.logged_h) AS logged_h,
               sum(s.net_h) AS net_h, sum(s.available_h) AS available_h, sum(s.on_h) AS on_h,
               sum(s.working_h) AS working_h, sum(s.uptime_h) AS uptime_h, sum(s.down_h) AS down_h,
               sum(s.failures) AS failures, sum(s.repairs) AS repairs, sum(s.repair_h) AS repair_h
        FROM typed AS k
        LEFT JOIN told AS t ON t.site = k.site AND t.crane_id = k.crane_id AND t.period_start = k.period_start
        LEFT JOIN spent AS s ON s.site = k.site AND s.crane_id = k.crane_id AND s.period_start = k.period_start
        GROUP BY GROUPING SETS ((k.site, k.period_start, k.type, k.crane_id), (k.site, k.period_start, k.type))
    )
    SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, 'crane', m.crane_id, NULL::text, m.type,
           jsonb_build_object(
               'boxes', m.boxes, 'cycles', m.cycles, 'lifts', m.lifts, 'timed_cycles', m.timed_cycles,
               'cycle_s', m.cycle_s, 'cycle_s_sq', m.cycle_s_sq, 'cycle_p50_s', m.cycle_p50_s,
               'cycle_p90_s', m.cycle_p90_s, 'energy_kwh', m.energy_kwh, 'energy_moves', m.energy_moves,
               'confirmed_boxes', r.confirmed_boxes, 'confirmed_jobs', r.confirmed_jobs,
               'unconfirmed_boxes', m.boxes - r.confirmed_boxes
           ) || jsonb_build_object(
               'allocated_h', r.allocated_h, 'logged_h', r.logged_h, 'net_h', r.net_h, 'available_h', r.available_h,
               'on_h', r.on_h, 'working_h', r.working_h, 'uptime_h', r.uptime_h, 'down_h', r.down_h,
               'uptime_and_down_h', r.uptime_h + r.down_h, 'failures', r.failures, 'repairs', r.repairs,
               'repair_h', r.repair_h
           )
    FROM moved AS m
    JOIN rest AS r ON r.site = m.site AND r.period_start = m.period_start AND r.type = m.type
        AND coalesce(r.crane_id, '') = coalesce(m.crane_id, '')
    JOIN w ON w.site = m.site AND w.period_start = m.period_start
    UNION ALL
    SELECT t.site, t.shift, t.period_start, t.period_end, t.as_of, 'delay', t.crane_id, NULL, t.cause,
           jsonb_build_object('delay_h', sum(kpi.hours(t.of_cause)), 'delays', count(*))
    FROM kpi.crane_time(by, since, until, known_at) AS t
    WHERE t.of_cause IS NOT NULL AND NOT isempty(t.of_cause)
    GROUP BY GROUPING SETS (
        (t.site, t.shift, t.period_start, t.period_end, t.as_of, t.cause, t.crane_id),
        (t.site, t.shift, t.period_start, t.period_end, t.as_of, t.cause)
    )
$$;

-- Visits belong to the period in which they end, passages to the one in which the truck is through.
CREATE FUNCTION kpi.gate_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
AS $$
    WITH w AS (
        SELECT * FROM kpi.windows(by, since, until, known_at)
    ), known AS (
        SELECT v.*, coalesce(v.left_at, v.last_at) AS at,
               CASE WHEN v.outcome = 'complete'
                   THEN (extract(epoch FROM v.last_at - v.first_at) - coalesce(v.inside_s, 0))::float8 / 60 END
                   AS procedure_min
        FROM kpi.gate_visit_as_known(known_at) AS v
    ), ended AS (
        SELECT w.shift, w.period_start, w.period_end, w.as_of, v.*
        FROM w JOIN known AS v ON v.site = w.site AND v.at >= w.period_start AND v.at < w.period_end
        WHERE v.outcome <> 'open' AND v.at >= since
    ), passages AS (
        SELECT v.site, v.visit_id, v.gate_in AS gate, v.lane_in AS lane, v.entered_at AS at, v.transaction_s
        FROM known AS v WHERE v.entered_at >= since
        UNION ALL
        SELECT v.site, v.visit_id, v.gate_out, v.lane_out, v.left_at, v.transaction_out_s
        FROM known AS v WHERE v.left_at >= since
    ), lanes AS (
        SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, p.gate, p.lane, count(*)::float8 AS passages,
               extract(epoch FROM w.as_of - w.period_start)::float8 / 3600 AS lane_h, sum(p.transaction_s) AS transaction_s,
               sum(p.transaction_s ^ 2) AS transaction_s_sq, count(p.transaction_s)::float8 AS transactions
        FROM w JOIN passages AS p ON p.site = w.site AND p.at >= w.period_start AND p.at < w.period_end
        GROUP BY 1, 2, 3, 4, 5, 6, 7
    )
    SELECT e.site, e.shift, e.period_start, e.period_end, e.as_of, 'visit', coalesce(e.gate_out, e.gate_in), NULL::text,
           NULL::text,
           jsonb_build_object(
               'visits', count(*), 'touch_points', sum(e.touch_points), 'touch_points_sq', sum(e.touch_points ^ 2),
               'manual_touch_points', sum(e.manual_touch_points), 'manual_touch_points_sq', sum(e.manual_touch_points ^ 2),
               'turn_min', sum(e.turn_time_s) / 60, 'turn_min_sq', sum((e.turn_time_s / 60) ^ 2),
               'turned', count(e.turn_time_s), 'total_turn_min', sum(e.total_turn_time_s) / 60,
               'total_turn_min_sq', sum((e.total_turn_time_s / 60) ^ 2), 'total_turned', count(e.total_turn_time_s),
               'procedure_min', sum(e.procedure_min), 'procedure_min_sq', sum(e.procedure_min ^ 2),
               'procedures', count(e.procedure_min)
           ) || jsonb_build_object(
               'exception_visits', count(*) FILTER (WHERE e.exceptions > 0), 'appointments', count(e.appointment_ok),
               'appointments_met', count(*) FILTER (WHERE e.appointment_ok), 'camera_visits', count(e.ocr_first_pass),
               'first_pass_visits', count(*) FILTER (WHERE e.ocr_first_pass),
               'container_reads', sum(e.container_reads),
               'check_digit_passes', sum(e.container_reads - e.check_digit_failures)
           )
    FROM ended AS e
    GROUP BY GROUPING SETS (
        (e.site, e.shift, e.period_start, e.period_end, e.as_of, coalesce(e.gate_out, e.gate_in)),
        (e.site, e.shift, e.period_start, e.period_end, e.as_of)
    )
    UNION ALL
    SELECT l.site, l.shift, l.period_start, l.period_end, l.as_of, 'passage', l.gate, l.lane, NULL,
           jsonb_build_object(
               'passages', sum(l.passages), 'lane_h', sum(l.lane_h), 'transaction_s', sum(l.transaction_s),
               'transaction_s_sq', sum(l.transaction_s_sq), 'transactions', sum(l.transactions)
           )
    FROM lanes AS l
    GROUP BY GROUPING SETS (
        (l.site, l.shift, l.period_start, l.period_end, l.as_of, l.gate, l.lane),
        (l.site, l.shift, l.period_start, l.period_end, l.as_of)
    )
    UNION ALL
    SELECT e.site, e.shift, e.period_start, e.period_end, e.as_of, 'wait', NULL, NULL, a.key,
           jsonb_build_object(
               'wait_min', sum(a.value::float8) / 60,
               'visits', (SELECT count(*) FROM ended AS o WHERE o.site = e.site AND o.period_start = e.period_start)
           )
    FROM ended AS e CROSS JOIN jsonb_each_text(e.wait_s_by_actor) AS a
    GROUP BY 1, 2, 3, 4, 5, 9
    UNION ALL
    SELECT e.site, e.shift, e.period_start, e.period_end, e.as_of, 'exception', NULL, NULL, r.key,
           jsonb_build_object(
               'of_reason', sum(r.value::float8),
               'exceptions', (SELECT sum(o.exceptions) FROM ended AS o
                              WHERE o.site = e.site AND o.period_start = e.period_start)
           )
    FROM ended AS e CROSS JOIN jsonb_each_text(coalesce(e.exception_reasons, '{}')) AS r
    GROUP BY 1, 2, 3, 4, 5, 9
$$;

-- Releases belong to the period of the release, stays to the one in which the box left; by class, and of all (part null).
CREATE FUNCTION kpi.cargo_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
AS $$
    WITH w AS (
        SELECT * FROM kpi.windows(by, since, until, known_at)
    ), known AS (
        SELECT * FROM kpi.cargo_visit_as_known(known_at)
    ), events AS (
        SELECT k.site, k.cargo_class, k.released_at AS at, true AS is_release, NULL::float8 AS dwell_h
        FROM known AS k WHERE k.released_at >= since
        UNION ALL
        SELECT k.site, k.cargo_class, coalesce(k.gated_out_at, k.loaded_at), false, k.dwell_s / 3600
        FROM known AS k WHERE coalesce(k.gated_out_at, k.loaded_at) >= since
    ), released AS (
        SELECT w.*, k.wait_s_by_agency FROM w JOIN known AS k
            ON k.site = w.site AND k.released_at >= w.period_start AND k.released_at < w.period_end
    )
    SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, 'cargo', NULL::text, NULL::text, e.cargo_class,
           jsonb_build_object(
               'released', count(*) FILTER (WHERE e.is_release),
               'elapsed_days', extract(epoch FROM w.as_of - w.period_start)::float8 / 86400,
               'stays', count(e.dwell_h), 'dwell_h', sum(e.dwell_h), 'dwell_h_sq', sum(e.dwell_h ^ 2),
               'dwell_p50_h', percentile_cont(0.5) WITHIN GROUP (ORDER BY e.dwell_h),
               'dwell_p90_h', percentile_cont(0.9) WITHIN GROUP (ORDER BY e.dwell_h)
           )
    FROM w JOIN events AS e ON e.site = w.site AND e.at >= w.period_start AND e.at < w.period_end
    GROUP BY GROUPING SETS (
        (w.site, w.shift, w.period_start, w.period_end, w.as_of, e.cargo_class),
        (w.site, w.shift, w.period_start, w.period_end, w.as_of)
    )
    UNION ALL
    SELECT r.site, r.shift, r.period_start, r.period_end, r.as_of, 'agency', NULL, NULL, a.key,
           jsonb_build_object('wait_h', sum(a.value::float8) / 3600, 'visits', count(*))
    FROM released AS r CROSS JOIN jsonb_each_text(r.wait_s_by_agency) AS a
    GROUP BY 1, 2, 3, 4, 5, 9
$$;

-- Calls belong to the period in which the ship left the berth; by berth, and of all berths (part null).
CREATE FUNCTION kpi.vessel_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
AS $$
    WITH w AS (
        SELECT * FROM kpi.windows(by, since, until, known_at)
    ), known AS (
        SELECT v.*, coalesce(v.berth, 'unknown') AS berth_name, coalesce(v.last_line_at, v.departed_at, v.sailed_at) AS at,
               coalesce(v.berthed_at, v.first_line_at) AS came_at, coalesce(v.departed_at, v.last_line_at, v.sailed_at) AS went_at
        FROM kpi.vessel_call_as_known(known_at) AS v
    ), left_berth AS (
        SELECT w.shift, w.period_start, w.period_end, w.as_of, v.*
        FROM w JOIN known AS v ON v.site = w.site AND v.at >= w.period_start AND v.at < w.period_end
        WHERE v.outcome IN ('complete', 'no_arrival') AND v.at >= since
    ), assigned AS (
        SELECT s.site, s.thing AS call_id, s.crane_id, range_agg(s.span) AS span
        FROM kpi.crane_spans(since, until + INTERVAL '1 day') AS s WHERE s.kind = 'allocated' GROUP BY 1, 2, 3
    ), calls AS (
        SELECT v.*, m.moves, m.operation_s,
               (SELECT sum(kpi.hours(a.span * tstzmultirange(tstzrange(NULL, v.at)))) FROM assigned AS a
                WHERE a.site = v.site AND a.call_id = v.call_id) AS assigned_h
        FROM left_berth AS v LEFT JOIN LATERAL (
            SELECT sum(c.boxes)::float8 AS moves,
                   extract(epoch FROM max(c.ended_at) - min(c.locked_at))::float8 AS operation_s
            FROM kpi.crane_cycle_as_known(known_at) AS c LEFT JOIN port.asset AS a ON a.asset_id = c.crane_id
            WHERE c.site = v.site AND c.call_id = v.call_id AND c.outcome IN ('counted', 'gap', 'suspended')
                AND coalesce(c.move_kind, '') <> 'shift' AND kpi.is_quay(a.type)
        ) AS m ON true
    ), stays AS (
        SELECT v.site, v.berth_name AS berth, range_agg(tstzrange(v.came_at, coalesce(v.went_at, 'infinity'))) AS span
        FROM known AS v
        WHERE v.came_at < until + INTERVAL '1 day' AND coalesce(v.went_at, 'infinity') > since - INTERVAL '31 days'
            AND coalesce(v.went_at, 'infinity') >= v.came_at AND (v.went_at IS NOT NULL OR v.outcome = 'open')
        GROUP BY 1, 2
    )
    SELECT c.site, c.shift, c.period_start, c.period_end, c.as_of, 'call', NULL::text, NULL::text, c.berth_name,
           jsonb_build_object(
               'calls', count(*), 'moves', sum(c.moves) FILTER (WHERE c.berth_s IS NOT NULL),
               'berth_h', sum(c.berth_s) FILTER (WHERE c.moves IS NOT NULL) / 3600,
               'worked_calls', count(c.berth_s) FILTER (WHERE c.moves IS NOT NULL),
               'wait_h', sum(c.wait_s) / 3600, 'wait_h_sq', sum((c.wait_s / 3600) ^ 2), 'waited', count(c.wait_s),
               'turnaround_h', sum(c.turnaround_s) / 3600, 'turnaround_h_sq', sum((c.turnaround_s / 3600) ^ 2),
               'turned', count(c.turnaround_s), 'port_h', sum(c.port_s) / 3600,
               'port_h_sq', sum((c.port_s / 3600) ^ 2), 'ported', count(c.port_s),
               'assigned_h', sum(c.assigned_h) FILTER (WHERE coalesce(c.cargo_s, c.operation_s) IS NOT NULL),
               'operation_h', sum(coalesce(c.cargo_s, c.operation_s)) FILTER (WHERE c.assigned_h IS NOT NULL) / 3600,
               'operated', count(coalesce(c.cargo_s, c.operation_s)) FILTER (WHERE c.assigned_h IS NOT NULL)
           )
    FROM calls AS c
    GROUP BY GROUPING SETS (
        (c.site, c.shift, c.period_start, c.period_end, c.as_of, c.berth_name),
        (c.site, c.shift, c.period_start, c.period_end, c.as_of)
    )
    UNION ALL
    SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, 'berth', NULL, NULL, s.berth,
           jsonb_build_object(
               'occupied_h', sum(kpi.hours(s.span * tstzmultirange(tstzrange(w.period_start, w.as_of)))),
               'berth_hours', sum(extract(epoch FROM w.as_of - w.period_start)) / 3600, 'berths', count(*)
           )
    FROM w JOIN stays AS s ON s.site = w.site
    GROUP BY GROUPING SETS (
        (w.site, w.shift, w.period_start, w.period_end, w.as_of, s.berth),
        (w.site, w.shift, w.period_start, w.period_end, w.as_of)
    )
$$;

REVOKE ALL ON FUNCTION
    kpi.crane_spans(timestamptz, timestamptz), kpi.crane_time(text, timestamptz, timestamptz, timestamptz),
    kpi.sequences(timestamptz, timestamptz), kpi.crane_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.gate_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.cargo_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.vessel_measures(text, timestamptz, timestamptz, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.crane_spans(timestamptz, timestamptz), kpi.crane_time(text, timestamptz, timestamptz, timestamptz),
    kpi.sequences(timestamptz, timestamptz), kpi.crane_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.gate_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.cargo_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.vessel_measures(text, timestamptz, timestamptz, timestamptz)
TO quaystream_reader;
