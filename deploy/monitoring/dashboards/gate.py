"""The gates of a site: who queues, what a visit takes, whom it waits for, and how well the cameras read."""

from deploy.monitoring.dashboards.panel import OF_SITE, Dashboard, Panel, Row, Sql, kpi, machines, worse_above
from deploy.monitoring.dashboards.sql import COLUMN, SINCE, STEP, STEP_H, UNTIL, rollup

GATES = machines("gate", "Gate")
VISIT = "visits-and-calls.md#gate-visits-portgate_visit"
ROLLUP = "reference/tables.md#portgate_minute-portgate_hour"
OF_GATE = "gate_id IN (${gate:sqlstring})"
_LEFT = (
    f"$__timeFilter(left_at) AND {OF_SITE} AND (gate_in IN (${{gate:sqlstring}}) OR gate_out IN (${{gate:sqlstring}}))"
)


def stat(title: str, value: str, unit: str, means: str, says: str) -> Panel:
    query = f"SELECT {value} FROM port.gate_visit WHERE {_LEFT}"
    return Panel(title, "stat", (Sql(query),), unit, means, "RefoldLate", says, width=4, height=4)


def in_time(title: str, values: str, unit: str, means: str, says: str, *, stacked: bool = False) -> Panel:
    """Lines of visits that left, by when; `values` are (name, value) pairs of SQL."""
    query = f"""
SELECT v.time, p.metric, p.value FROM (
    SELECT time_bucket({STEP}, left_at) AS time, {values} FROM port.gate_visit WHERE {_LEFT} GROUP BY 1
) AS v CROSS JOIN LATERAL jsonb_each_text(to_jsonb(v) - 'time') AS e (metric, text)
CROSS JOIN LATERAL (SELECT e.metric, e.text::float8 AS value) AS p ORDER BY 1"""
    return Panel(title, "timeseries", (Sql(query),), unit, means, "RefoldLate", says, stacked=stacked)


NUMBERS = (
    stat("Trucks through", "count(*) AS trucks", "short", VISIT, "Visits that ended in the chosen time."),
    stat(
        "Turn time, median",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY turn_time_s) AS seconds",
        "s",
        kpi("truck_turn_time"),
        "From inside the gate to out of it.",
    ),
    stat(
        "Touch points a visit",
        "avg(touch_points) AS steps",
        "none",
        kpi("touch_points"),
        "Steps that are not the system's own.",
    ),
    stat(
        "By hand, a visit",
        "avg(manual_touch_points) AS steps",
        "none",
        kpi("manual_touch_points"),
        "Steps for which a person had to act.",
    ),
    stat(
        "Cameras right at first",
        "avg(ocr_first_pass::int) AS share",
        "percentunit",
        kpi("ocr_first_pass_rate"),
        "Visits whose first readings all were right, of those with readings.",
    ),
    stat(
        "With an exception",
        "avg((exceptions > 0)::int) AS share",
        "percentunit",
        kpi("exception_share"),
        "Visits in which something had to be settled.",
    ),
)
QUEUE = Panel(
    title="Trucks in the queue",
    kind="timeseries",
    queries=(
        Sql(f"""
WITH queued AS (
    SELECT gate_in, queued_at, entered_at FROM port.gate_visit
    WHERE entered_at BETWEEN {SINCE} AND {UNTIL} + INTERVAL '1 day' AND queued_at <= {UNTIL}
        AND {OF_SITE} AND gate_in IN (${{gate:sqlstring}})
    UNION ALL
    SELECT gate_in, queued_at, NULL FROM port.gate_visit
    WHERE outcome = 'open' AND entered_at IS NULL AND queued_at <= {UNTIL} AND last_at > {UNTIL} - INTERVAL '1 day'
        AND {OF_SITE} AND gate_in IN (${{gate:sqlstring}})
),
changes AS (
    SELECT gate_in, greatest(queued_at, {SINCE}) AS at, 1 AS more FROM queued
    UNION ALL
    SELECT gate_in, entered_at, -1 FROM queued WHERE entered_at <= {UNTIL}
)
SELECT time_bucket({COLUMN}, at) AS time, split_part(gate_in, '-', 3) AS metric,
       sum(sum(more)) OVER (PARTITION BY gate_in ORDER BY time_bucket({COLUMN}, at)) AS value
FROM changes GROUP BY time_bucket({COLUMN}, at), gate_in ORDER BY 1
"""),
    ),
    unit="short",
    means=VISIT,
    runbook="DomainSilent",
    says="Trucks that have joined the queue and are not inside yet.",
    steps=worse_above(10, 30),
)
WAITS = Panel(
    title="Whom a visit waits for",
    kind="timeseries",
    queries=(
        Sql(f"""
WITH visits AS (
    SELECT time_bucket({STEP}, left_at) AS time, wait_s_by_actor, inside_s FROM port.gate_visit WHERE {_LEFT}
),
counted AS (SELECT time, count(*) AS visits FROM visits GROUP BY 1)
SELECT v.time, w.actor AS metric,
       sum(w.seconds::float8 - CASE WHEN w.actor = 'system' THEN coalesce(v.inside_s, 0) ELSE 0 END) / max(n.visits) AS value
FROM visits AS v JOIN counted AS n USING (time) CROSS JOIN LATERAL jsonb_each_text(v.wait_s_by_actor) AS w (actor, seconds)
GROUP BY 1, 2 ORDER BY 1
"""),
    ),
    unit="s",
    means=kpi("gate_wait"),
    runbook="RefoldLate",
    says="Mean seconds of a visit by the actor whose step ended them: customs, tax, the border guard, the driver, the gate itself. The time inside the terminal is left out.",
    stacked=True,
)
TOUCH = in_time(
    "Touch points of a visit",
    'avg(manual_touch_points) AS "by hand", avg(touch_points - manual_touch_points) AS "others"',
    "none",
    kpi("manual_touch_points"),
    "Mean number of steps that are not the system's own; those by hand need a person.",
    stacked=True,
)
TURN = in_time(
    "Turn time",
    'percentile_cont(0.5) WITHIN GROUP (ORDER BY turn_time_s) AS "half take less", '
    'percentile_cont(0.9) WITHIN GROUP (ORDER BY turn_time_s) AS "nine of ten take less"',
    "s",
    kpi("truck_turn_time"),
    "From inside the gate to out of it.",
)
LANES = Panel(
    title="Trucks per hour by lane",
    kind="timeseries",
    queries=(
        Sql(f"""
SELECT time_bucket({STEP}, bucket) AS time, split_part(gate_id, '-', 3) || ' ' || lane AS metric,
       sum(visits_in + visits_out) / {STEP_H} AS value
FROM (
    {rollup("gate", "bucket, gate_id, lane, visits_in, visits_out", OF_GATE)}
) AS r GROUP BY 1, 2 ORDER BY 1"""),
    ),
    unit="short",
    means=kpi("lane_throughput"),
    runbook="DomainSilent",
    says="Trucks that passed each lane, in and out.",
    stacked=True,
)
OCR = Panel(
    title="Readings that a person set right",
    kind="timeseries",
    queries=(
        Sql(f"""
SELECT time_bucket({STEP}, bucket) AS time, split_part(gate_id, '-', 3) AS metric,
       sum(ocr_corrected) / nullif(sum(ocr_reads), 0)::float8 AS value
FROM (
    {rollup("gate", "bucket, gate_id, ocr_reads, ocr_corrected", OF_GATE)}
) AS r GROUP BY 1, 2 ORDER BY 1"""),
    ),
    unit="percentunit",
    means=ROLLUP,
    runbook="EventsArriveLate",
    says="Share of camera readings that were corrected, plates included.",
    steps=worse_above(0.05, 0.15),
)
REASONS = Panel(
    title="Exceptions by reason",
    kind="bars",
    queries=(
        Sql(f"""
SELECT e.reason AS "Reason", sum(e.times::int) AS "Times"
FROM port.gate_visit CROSS JOIN LATERAL jsonb_each_text(exception_reasons) AS e (reason, times)
WHERE {_LEFT} GROUP BY 1 ORDER BY 2 DESC LIMIT 12
"""),
    ),
    unit="short",
    means=kpi("exceptions_by_reason"),
    runbook="RefoldLate",
    says="What had to be settled, in the chosen time.",
)
MISREAD = in_time(
    "Container numbers that fail their check digit",
    'sum(check_digit_failures) / nullif(sum(container_reads), 0)::float8 AS "fail"',
    "percentunit",
    kpi("check_digit_pass_rate"),
    "Share of container readings that are no valid number (ISO 6346).",
)
BOARD = Dashboard(
    uid="quaystream-gate",
    title="Gates",
    says="Who queues, what a visit takes, whom it waits for, and how well the cameras read.",
    choices=GATES,
    rows=(
        Row("In the chosen time", NUMBERS),
        Row("Queue and turn time", (QUEUE, TURN, LANES)),
        Row("Touch points and waits by agency", (TOUCH, WAITS, REASONS)),
        Row("Cameras", (OCR, MISREAD)),
    ),
)
