-- More of what numbers are made of, beside 0017's: each domain's measures are those and these. Compiling them takes
-- seconds, running them milliseconds.

ALTER FUNCTION kpi.crane_measures(text, timestamptz, timestamptz, timestamptz) RENAME TO crane_time_measures;
ALTER FUNCTION kpi.gate_measures(text, timestamptz, timestamptz, timestamptz) RENAME TO gate_visit_measures;
ALTER FUNCTION kpi.cargo_measures(text, timestamptz, timestamptz, timestamptz) RENAME TO cargo_stay_measures;

-- dispatch: hours in which a crane worked and had a job (from dispatched to delivered or cancelled). quay: boxes that quay
-- cranes lifted to and from ships. yard: lifts of other cranes, and which of them only made way.
CREATE FUNCTION kpi.crane_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
SET jit = off
AS $$
    WITH w AS (
        SELECT * FROM kpi.windows(by, since, until, known_at)
    ), worked AS (
        SELECT s.crane_id, range_agg(s.span) AS span
        FROM kpi.crane_spans(since, until + INTERVAL '1 day') AS s WHERE s.kind = 'working' GROUP BY 1
    ), steps AS (
        SELECT j.site, j.crane_id, j.job_id, min(j.time) FILTER (WHERE j.step = 'dispatched') AS began_at,
               min(j.time) FILTER (WHERE j.step IN ('delivered', 'cancelled')) AS ended_at
        FROM port.crane_job AS j WHERE j.time >= since - INTERVAL '1 day' AND j.time < until + INTERVAL '2 days'
        GROUP BY 1, 2, 3
    ), dispatched AS (
        SELECT s.site, s.crane_id, tstzrange(s.began_at, s.ended_at) AS span FROM steps AS s WHERE s.began_at < s.ended_at
    ), busy AS (
        SELECT w.*, d.crane_id, count(*)::float8 AS jobs,
               range_agg(d.span) * tstzmultirange(tstzrange(w.period_start, w.as_of)) AS span
        FROM w JOIN dispatched AS d ON d.site = w.site AND d.span && tstzrange(w.period_start, w.as_of)
        GROUP BY 1, 2, 3, 4, 5, 6
    ), used AS (
        SELECT b.*, coalesce(a.type, 'crane') AS type, kpi.hours(b.span * coalesce(k.span, '{}')) AS busy_h
        FROM busy AS b LEFT JOIN worked AS k ON k.crane_id = b.crane_id LEFT JOIN port.asset AS a ON a.asset_id = b.crane_id
    ), lifts AS (
        SELECT w.*, c.crane_id, coalesce(a.type, 'crane') AS type, kpi.is_quay(a.type) AS is_quay, c.boxes, c.move_kind
        FROM w JOIN kpi.crane_cycle_as_known(known_at) AS c
            ON c.site = w.site AND c.ended_at >= w.period_start AND c.ended_at < w.period_end
        LEFT JOIN port.asset AS a ON a.asset_id = c.crane_id
        WHERE c.ended_at >= since AND c.outcome IN ('counted', 'gap', 'suspended')
    )
    SELECT * FROM kpi.crane_time_measures(by, since, until, known_at)
    UNION ALL
    SELECT u.site, u.shift, u.period_start, u.period_end, u.as_of, 'dispatch', u.crane_id, NULL::text, u.type,
           jsonb_build_object('busy_h', sum(u.busy_h), 'jobs', sum(u.jobs))
    FROM used AS u
    GROUP BY GROUPING SETS (
        (u.site, u.shift, u.period_start, u.period_end, u.as_of, u.type, u.crane_id),
        (u.site, u.shift, u.period_start, u.period_end, u.as_of, u.type)
    )
    UNION ALL
    SELECT l.site, l.shift, l.period_start, l.period_end, l.as_of, 'quay', l.crane_id, NULL, l.type,
           jsonb_build_object(
               'quay_boxes', coalesce(sum(l.boxes) FILTER (WHERE l.move_kind IN ('load', 'discharge')), 0),
               'quay_lifts', count(*) FILTER (WHERE l.move_kind IN ('load', 'discharge'))
           )
    FROM lifts AS l WHERE l.is_quay
    GROUP BY GROUPING SETS (
        (l.site, l.shift, l.period_start, l.period_end, l.as_of, l.type, l.crane_id),
        (l.site, l.shift, l.period_start, l.period_end, l.as_of, l.type)
    )
    UNION ALL
    SELECT l.site, l.shift, l.period_start, l.period_end, l.as_of, 'yard', l.crane_id, NULL, l.type,
           jsonb_build_object(
               'rehandles', count(*) FILTER (WHERE l.move_kind = 'shift'), 'yard_lifts', count(l.move_kind)
           )
    FROM lifts AS l WHERE NOT l.is_quay
    GROUP BY GROUPING SETS (
        (l.site, l.shift, l.period_start, l.period_end, l.as_of, l.type, l.crane_id),
        (l.site, l.shift, l.period_start, l.period_end, l.as_of, l.type)
    )
$$;

-- touch: visits in which nobody had to act. peak: the most trucks that passed in any quarter of an hour of the period.
CREATE FUNCTION kpi.gate_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
SET jit = off
AS $$
    WITH w AS (
        SELECT * FROM kpi.windows(by, since, until, known_at)
    ), known AS (
        SELECT v.*, coalesce(v.left_at, v.last_at) AS at FROM kpi.gate_visit_as_known(known_at) AS v
    ), passages AS (
        SELECT v.site, v.gate_in AS gate, v.lane_in AS lane, v.entered_at AS at FROM known AS v WHERE v.entered_at >= since
        UNION ALL
        SELECT v.site, v.gate_out, v.lane_out, v.left_at FROM known AS v WHERE v.left_at >= since
    ), quarters AS (
        SELECT w.*, p.gate, p.lane, grouping(p.gate) AS is_all, count(*)::float8 AS passages
        FROM w JOIN passages AS p ON p.site = w.site AND p.at >= w.period_start AND p.at < w.period_end
        GROUP BY GROUPING SETS (
            (w.site, w.shift, w.period_start, w.period_end, w.as_of, date_bin(INTERVAL '15 min', p.at, 'epoch'), p.gate, p.lane),
            (w.site, w.shift, w.period_start, w.period_end, w.as_of, date_bin(INTERVAL '15 min', p.at, 'epoch'))
        )
    )
    SELECT * FROM kpi.gate_visit_measures(by, since, until, known_at)
    UNION ALL
    SELECT w.site, w.shift, w.period_start, w.period_end, w.as_of, 'touch', coalesce(v.gate_out, v.gate_in), NULL::text,
           NULL::text,
           jsonb_build_object('untouched', count(*) FILTER (WHERE v.manual_touch_points = 0), 'visits', count(*))
    FROM w JOIN known AS v ON v.site = w.site AND v.at >= w.period_start AND v.at < w.period_end
    WHERE v.outcome <> 'open' AND v.at >= since
    GROUP BY GROUPING SETS (
        (w.site, w.shift, w.period_start, w.period_end, w.as_of, coalesce(v.gate_out, v.gate_in)),
        (w.site, w.shift, w.period_start, w.period_end, w.as_of)
    )
    UNION ALL
    SELECT q.site, q.shift, q.period_start, q.period_end, q.as_of, 'peak', q.gate, q.lane, NULL,
           jsonb_build_object('peak_passages', max(q.passages), 'passages', sum(q.passages))
    FROM quarters AS q GROUP BY q.site, q.shift, q.period_start, q.period_end, q.as_of, q.is_all, q.gate, q.lane
$$;

-- hold: the stay of a box that came by ship and left by land, before and after its release; by class, and of all.
CREATE FUNCTION kpi.cargo_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
SET jit = off
AS $$
    WITH stays AS (
        SELECT w.*, k.cargo_class, extract(epoch FROM k.released_at - k.discharged_at)::float8 / 3600 AS held_h,
               extract(epoch FROM k.gated_out_at - k.released_at)::float8 / 3600 AS free_h
        FROM kpi.windows(by, since, until, known_at) AS w JOIN kpi.cargo_visit_as_known(known_at) AS k
            ON k.site = w.site AND k.gated_out_at >= w.period_start AND k.gated_out_at < w.period_end
        WHERE k.gated_out_at >= since AND k.discharged_at <= k.released_at AND k.released_at <= k.gated_out_at
    )
    SELECT * FROM kpi.cargo_stay_measures(by, since, until, known_at)
    UNION ALL
    SELECT s.site, s.shift, s.period_start, s.period_end, s.as_of, 'hold', NULL::text, NULL::text, s.cargo_class,
           jsonb_build_object(
               'held_h', sum(s.held_h), 'held_h_sq', sum(s.held_h ^ 2), 'free_h', sum(s.free_h),
               'free_h_sq', sum(s.free_h ^ 2), 'boxes', count(*)
           )
    FROM stays AS s
    GROUP BY GROUPING SETS (
        (s.site, s.shift, s.period_start, s.period_end, s.as_of, s.cargo_class),
        (s.site, s.shift, s.period_start, s.period_end, s.as_of)
    )
$$;

REVOKE ALL ON FUNCTION
    kpi.crane_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.gate_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.cargo_measures(text, timestamptz, timestamptz, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.crane_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.gate_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.cargo_measures(text, timestamptz, timestamptz, timestamptz)
TO quaystream_reader;
