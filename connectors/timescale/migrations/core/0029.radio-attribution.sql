-- What the radio cost: per cycle, and per machine and day of its site. Made of facts and raw rows again whenever these
-- change (connectors/timescale/attribution.py); `revision` and `recorded_at` as of every fact.

CREATE TABLE kpi.radio_loss (
    cycle_id    text NOT NULL,
    asset_id    text NOT NULL,
    site        text NOT NULL,
    day         timestamptz NOT NULL,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz NOT NULL,
    worked_s    double precision NOT NULL,
    known_s     double precision NOT NULL,
    exposed_s   double precision NOT NULL,
    baseline_s  double precision,
    spread_s    double precision,
    matches     bigint,
    matched_by  text,
    how         text,
    lost_s      double precision NOT NULL,
    moves_lost  double precision NOT NULL,
    cells       jsonb NOT NULL,
    definition  text NOT NULL,
    outcome     text NOT NULL,
    revision    bigint NOT NULL DEFAULT 1,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, cycle_id)
);
CREATE INDEX radio_loss_asset_id_day ON kpi.radio_loss (asset_id, day);
CREATE INDEX radio_loss_ended_at ON kpi.radio_loss (ended_at, site);
COMMENT ON COLUMN kpi.radio_loss.outcome IS 'good, exposed (no sign that it mattered), attributed, unmatched (nothing to compare with), unknown (too few readings)';

CREATE TABLE kpi.radio_attribution (
    day_id      text NOT NULL,
    asset_id    text NOT NULL,
    site        text NOT NULL,
    day         timestamptz NOT NULL,
    cycles      bigint NOT NULL,
    exposed     bigint NOT NULL,
    attributed  bigint NOT NULL,
    unmatched   bigint NOT NULL,
    unknown     bigint NOT NULL,
    bad_s       double precision NOT NULL,
    lost_s      double precision NOT NULL,
    moves_lost  double precision NOT NULL,
    moves_low   double precision NOT NULL,
    moves_high  double precision NOT NULL,
    cells       jsonb NOT NULL,
    definition  text NOT NULL,
    completeness double precision,
    outcome     text NOT NULL,
    state       jsonb NOT NULL,
    revision    bigint NOT NULL DEFAULT 1,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, day_id)
);
CREATE INDEX radio_attribution_day ON kpi.radio_attribution (day, site);
COMMENT ON COLUMN kpi.radio_attribution.state IS 'how much of what it was made of: where that is another now, it is made again';
COMMENT ON COLUMN kpi.radio_attribution.completeness IS 'cycles whose radio is known ÷ cycles';

CREATE FUNCTION kpi.radio_loss_as_known(at timestamptz) RETURNS SETOF kpi.radio_loss
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT fact.* FROM kpi.radio_loss AS fact WHERE fact.recorded_at <= at
    UNION ALL
    SELECT old.* FROM kpi.restatement AS r, jsonb_populate_record(NULL::kpi.radio_loss, r.old) AS old
    WHERE r.kind = 'radio_loss' AND r.old_recorded_at <= at AND r.changed_at > at
$$;
CREATE FUNCTION kpi.radio_attribution_as_known(at timestamptz) RETURNS SETOF kpi.radio_attribution
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT fact.* FROM kpi.radio_attribution AS fact WHERE fact.recorded_at <= at
    UNION ALL
    SELECT old.* FROM kpi.restatement AS r, jsonb_populate_record(NULL::kpi.radio_attribution, r.old) AS old
    WHERE r.kind = 'radio_attribution' AND r.old_recorded_at <= at AND r.changed_at > at
$$;

-- What the radio cost each machine, and all of a type at a site (asset is null).
CREATE FUNCTION kpi.radio_measures(by text, since timestamptz, until timestamptz, known_at timestamptz)
RETURNS TABLE (
    site text, shift text, period_start timestamptz, period_end timestamptz, as_of timestamptz, grain text, asset text,
    lane text, part text, measures jsonb
)
LANGUAGE sql STABLE
AS $$
    WITH lost AS (
        SELECT w.*, coalesce(a.type, 'machine') AS type, l.asset_id, l.outcome, l.lost_s, l.moves_lost
        FROM kpi.windows(by, since, until, known_at) AS w
        JOIN kpi.radio_loss_as_known(known_at) AS l
            ON l.site = w.site AND l.ended_at >= w.period_start AND l.ended_at < w.period_end
        LEFT JOIN port.asset AS a ON a.asset_id = l.asset_id
    )
    SELECT l.site, l.shift, l.period_start, l.period_end, l.as_of, 'radio', l.asset_id, NULL::text, l.type,
           jsonb_build_object(
               'cycles', count(*), 'known_cycles', count(*) FILTER (WHERE l.outcome <> 'unknown'),
               'exposed_cycles', count(*) FILTER (WHERE l.outcome IN ('exposed', 'attributed', 'unmatched')),
               'attributed_cycles', count(*) FILTER (WHERE l.outcome = 'attributed'),
               'lost_min', sum(l.lost_s) / 60, 'moves_lost', sum(l.moves_lost)
           )
    FROM lost AS l
    GROUP BY GROUPING SETS (
        (l.site, l.shift, l.period_start, l.period_end, l.as_of, l.type, l.asset_id),
        (l.site, l.shift, l.period_start, l.period_end, l.as_of, l.type)
    )
$$;

-- The numbers of grain `radio`, in the form of kpi.numbers. completeness = cycles whose radio is known ÷ cycles.
CREATE FUNCTION kpi.radio_numbers(
    by text, since timestamptz, until timestamptz, known_at timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    period_start timestamptz, period_end timestamptz, shift text, site text, asset text, lane text, part text,
    kpi_id text, kpi_version integer, value double precision, numerator double precision,
    denominator double precision, n double precision, sd double precision, completeness double precision,
    provisional boolean
)
LANGUAGE sql STABLE
SET jit = off
AS $$
    WITH valued AS (
        SELECT m.*, d.kpi_id, d.kpi_version, d.factor, d.denominator AS divides,
               (m.measures->>d.numerator)::float8 AS x, (m.measures->>d.denominator)::float8 AS y,
               (m.measures->>d.n)::float8 AS n, (m.measures->>'cycles')::float8 AS cycles,
               (m.measures->>'known_cycles')::float8 AS known
        FROM kpi.radio_measures(by, since, until, known_at) AS m JOIN kpi.current_definition AS d ON d.grain = m.grain
    )
    SELECT v.period_start, v.period_end, v.shift, v.site, v.asset, v.lane, v.part, v.kpi_id, v.kpi_version,
           CASE WHEN v.divides IS NULL THEN v.x ELSE v.x / nullif(v.y, 0) END * v.factor, v.x, v.y, v.n,
           NULL::float8, v.known / nullif(v.cycles, 0), v.as_of < v.period_end
    FROM valued AS v
$$;

CREATE VIEW kpi.radio_hourly AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.radio_numbers('hour', s.since, s.until) AS n;
CREATE VIEW kpi.radio_shift AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.radio_numbers('shift', s.since, s.until) AS n;
CREATE VIEW kpi.radio_daily AS
SELECT n.* FROM kpi.span AS s CROSS JOIN LATERAL kpi.radio_numbers('day', s.since, s.until) AS n;

-- Which cell served while moves were lost, and whether it had raised an alarm on that day.
CREATE VIEW kpi.radio_loss_by_cell AS
SELECT l.site, l.day, c.key AS cell, count(*) AS cycles, sum(l.lost_s) AS lost_s, sum(l.moves_lost) AS moves_lost,
       sum(c.value::float8) AS bad_s,
       (SELECT count(*) FROM port.cell_alarm_event AS a
        WHERE a.cell_id = c.key AND a.severity <> 'cleared' AND a.time >= l.day AND a.time < l.day + INTERVAL '1 day') AS alarms
FROM kpi.radio_loss AS l CROSS JOIN LATERAL jsonb_each_text(l.cells) AS c
WHERE l.outcome = 'attributed'
GROUP BY l.site, l.day, c.key;

GRANT SELECT, INSERT, UPDATE, DELETE ON kpi.radio_loss, kpi.radio_attribution TO quaystream_worker;
GRANT SELECT ON
    port.site, port.asset, port.crane_cycle, port.crane_status, port.crane_sample, port.crane_minute, port.radio_sample,
    port.radio_minute, ingest.site_clock, kpi.site
TO quaystream_worker;
GRANT SELECT ON
    kpi.radio_loss, kpi.radio_attribution, kpi.radio_loss_by_cell, kpi.radio_hourly, kpi.radio_shift, kpi.radio_daily
TO quaystream_reader;
REVOKE ALL ON FUNCTION
    kpi.radio_loss_as_known(timestamptz), kpi.radio_attribution_as_known(timestamptz),
    kpi.radio_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.radio_numbers(text, timestamptz, timestamptz, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.radio_loss_as_known(timestamptz), kpi.radio_attribution_as_known(timestamptz),
    kpi.radio_measures(text, timestamptz, timestamptz, timestamptz),
    kpi.radio_numbers(text, timestamptz, timestamptz, timestamptz)
TO quaystream_reader;
