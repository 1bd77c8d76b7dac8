"""The cranes of a site: what they lifted, what they were doing, what it took, and what broke."""

from deploy.monitoring.dashboards.panel import OF_SITE, Colour, Dashboard, Panel, Row, Sql, kpi, machines, numbered
from deploy.monitoring.dashboards.sql import SINCE, STEP, STEP_H, UNTIL, lifts, rollup

CRANES = machines("crane", "Crane")
OF_CRANE = "crane_id IN (${crane:sqlstring})"
CYCLE = "visits-and-calls.md"
_HERE = f"{OF_SITE} AND {OF_CRANE}"
_DONE = f"$__timeFilter(ended_at) AND outcome IN ('counted', 'gap', 'suspended') AND {_HERE}"
_SHORT_NAME = "split_part(crane_id, '-', 3)"
STATES: dict[str, Colour] = {
    "working": "green",
    "idle": "yellow",
    "standby": "yellow",
    "on": "blue",
    "off": "grey",
    "fault": "red",
}


def stat(title: str, query: str, unit: str, means: str, says: str) -> Panel:
    return Panel(title, "stat", (Sql(query),), unit, means, "RefoldLate", says, width=4, height=4)


def per_step(title: str, columns: str, unit: str, means: str, says: str) -> Panel:
    """A line per crane, of its finished cycles."""
    query = f"SELECT time_bucket({STEP}, ended_at) AS time, {_SHORT_NAME} AS metric, {columns} AS value FROM port.crane_cycle WHERE {_DONE} GROUP BY 1, 2 ORDER BY 1"
    return Panel(title, "timeseries", (Sql(query),), unit, means, "RefoldLate", says)


def metered(title: str, columns: str, summed: str, unit: str, says: str) -> Panel:
    """A line per crane, of its minutes or hours."""
    query = f"""
SELECT time_bucket({STEP}, bucket) AS time, {_SHORT_NAME} AS metric, {summed} AS value
FROM (
    {rollup("crane", f"bucket, crane_id, {columns}", OF_CRANE)}
) AS r GROUP BY 1, 2 ORDER BY 1"""
    means = "reference/tables.md#portcrane_minute-portcrane_hour"
    return Panel(title, "timeseries", (Sql(query),), unit, means, "DomainSilent", says)


NUMBERS = (
    stat(
        "Boxes over the quay",
        lifts("coalesce(sum(c.boxes), 0) AS boxes", f"site IN (${{site:sqlstring}}) AND c.{OF_CRANE}"),
        "short",
        kpi("quay_throughput"),
        "Boxes that quay cranes lifted to and from ships in the chosen time.",
    ),
    stat(
        "Cycles",
        f"SELECT count(*) AS cycles FROM port.crane_cycle WHERE {_DONE}",
        "short",
        "how-to/facts.md",
        "Finished lifts in the chosen time.",
    ),
    stat(
        "Cycle time, median",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at)) AS seconds "
        f"FROM port.crane_cycle WHERE {_DONE} AND outcome = 'counted'",
        "s",
        kpi("cycle_time_p50"),
        "Half of the lifts took less. Lifts after a gap or a suspension are left out.",
    ),
    stat(
        "Energy per lift",
        f"SELECT avg(energy_kwh) AS kwh FROM port.crane_cycle WHERE {_DONE}",
        "kwatth",
        kpi("energy_per_move"),
        "Mean energy of the lifts whose crane has a meter.",
    ),
    stat(
        "Waiting for something below",
        f"SELECT sum(wait_s) / nullif(sum(extract(epoch FROM ended_at - started_at)), 0) AS share FROM port.crane_cycle WHERE {_DONE}",
        "percentunit",
        CYCLE,
        "Share of the cycles' time in which the crane stood still.",
    ),
    stat(
        "Boxes per lift",
        f"SELECT avg(boxes) AS boxes FROM port.crane_cycle WHERE {_DONE}",
        "none",
        kpi("boxes_per_cycle"),
        "More than 1 where boxes are lifted in twin or tandem.",
    ),
)
# Statuses and faults are told when they change: there is nothing smaller to read, and both are read by crane and time.
TIMELINE = Panel(
    title="What each crane was doing",
    kind="timeline",
    queries=(
        Sql(f"""
WITH cranes AS (
    SELECT asset_id FROM port.asset WHERE kind = 'crane' AND site_id IN (${{site:sqlstring}}) AND asset_id IN (${{crane:sqlstring}})
),
told AS (
    SELECT c.asset_id, s.time, s.status, NULL::text AS code, NULL::boolean AS active FROM cranes AS c CROSS JOIN LATERAL (
        (SELECT {SINCE} AS time, status FROM port.crane_status
         WHERE crane_id = c.asset_id AND time < {SINCE} AND time > {SINCE} - INTERVAL '7 days' ORDER BY time DESC LIMIT 1)
        UNION ALL
        SELECT time, status FROM port.crane_status WHERE crane_id = c.asset_id AND $__timeFilter(time)
    ) AS s
    UNION ALL
    SELECT c.asset_id, f.time, NULL, f.code, f.active FROM cranes AS c CROSS JOIN LATERAL (
        SELECT time, code, active FROM port.crane_fault WHERE crane_id = c.asset_id AND $__timeFilter(time) AND stops_work
    ) AS f
),
known AS (
    SELECT *, count(status) OVER w AS nth, count(*) FILTER (WHERE active) OVER w - count(*) FILTER (WHERE NOT active) OVER w AS faults
    FROM told WINDOW w AS (PARTITION BY asset_id ORDER BY time, status NULLS LAST)
)
SELECT time, split_part(asset_id, '-', 3) AS metric,
       {numbered("CASE WHEN faults > 0 THEN 'fault' ELSE max(status) OVER (PARTITION BY asset_id, nth) END", STATES)} AS value
FROM known ORDER BY time
"""),
    ),
    unit="none",
    means="reference/events.md",
    runbook="DomainSilent",
    says="The status the crane last told (of the last 7 days), and faults that stop its work.",
    colours=STATES,
    width=24,
    height=10,
)
WORK = (
    per_step(
        "Cycles per hour",
        f"count(*) / {STEP_H}",
        "short",
        "how-to/facts.md",
        "Finished lifts, as a rate per hour.",
    ),
    per_step(
        "Boxes per hour",
        f"sum(boxes) / {STEP_H}",
        "short",
        kpi("gross_crane_rate"),
        "Boxes lifted by the clock. The KPI divides by the hours the crane was allocated: see the table beside.",
    ),
    Panel(
        title="Productivity as defined",
        kind="table",
        queries=(
            Sql(f"""
WITH hours AS (
    SELECT crane_id, kind, kpi.hours(range_agg(span) * tstzmultirange(tstzrange({SINCE}, {UNTIL}))) AS h
    FROM kpi.crane_spans({SINCE}, {UNTIL})
    WHERE {OF_CRANE} AND kind IN ('allocated', 'on', 'working', 'down') GROUP BY 1, 2
),
by_kind AS (
    SELECT crane_id, max(h) FILTER (WHERE kind = 'allocated') AS allocated, max(h) FILTER (WHERE kind = 'on') AS is_on,
           max(h) FILTER (WHERE kind = 'working') AS working, max(h) FILTER (WHERE kind = 'down') AS down
    FROM hours GROUP BY 1
),
lifted AS (
    SELECT crane_id, sum(boxes) AS boxes FROM port.crane_cycle WHERE {_DONE} GROUP BY 1
)
SELECT {_SHORT_NAME} AS "Crane", boxes AS "Boxes", allocated AS "Allocated", boxes / nullif(allocated, 0) AS "Boxes an hour allocated",
       working / nullif(is_on, 0) AS "Utilisation", coalesce(down, 0) AS "Down"
FROM by_kind LEFT JOIN lifted USING (crane_id) ORDER BY 4 DESC NULLS LAST, 1
"""),
        ),
        unit="short",
        means=kpi("gross_crane_rate"),
        runbook="RefoldLate",
        says="Boxes an hour that the crane was allocated to a call (gross crane rate), hours working of hours on, hours down by a fault.",
        units={"Utilisation": "percentunit", "Allocated": "h", "Down": "h"},
    ),
)
TIME = Panel(
    title="Where a cycle's time goes",
    kind="timeseries",
    queries=(
        Sql(f"""
SELECT time_bucket({STEP}, c.ended_at) AS time, p.part AS metric, avg(p.seconds) AS value
FROM port.crane_cycle AS c CROSS JOIN LATERAL (
    VALUES ('hoist', c.hoist_s), ('trolley', c.trolley_s), ('lower', c.lower_s), ('wait', c.wait_s)
) AS p (part, seconds)
WHERE {_DONE.replace("outcome", "c.outcome")} GROUP BY 1, 2 ORDER BY 1
"""),
    ),
    unit="s",
    means=CYCLE,
    runbook="RefoldLate",
    says="Mean seconds of a lift spent hoisting, travelling, lowering and standing.",
    stacked=True,
)
METERS = (
    metered("Heaviest load", "load_t_max", "max(load_t_max)", "masst", "The heaviest load in each stretch of time."),
    metered(
        "Energy per hour",
        "energy_total_kwh_max - energy_total_kwh_min AS used",
        f"sum(used) / {STEP_H}",
        "kwatth",
        "From the crane's own meter; what is used between two minutes is not in it.",
    ),
    metered("Wind", "wind_mps_max", "max(wind_mps_max)", "velocityms", "The strongest wind at each crane."),
)
FAULTS = Panel(
    title="Faults",
    kind="table",
    queries=(
        Sql("""
SELECT max(f.time) AS "Last", split_part(f.crane_id, '-', 3) AS "Crane", f.code AS "Code", f.severity AS "Severity",
       bool_or(f.stops_work) AS "Stops work", count(*) FILTER (WHERE f.active) AS "Times"
FROM port.crane_fault AS f
WHERE $__timeFilter(f.time) AND f.crane_id IN (${crane:sqlstring})
GROUP BY 2, 3, 4 ORDER BY 1 DESC LIMIT 100
"""),
    ),
    unit="short",
    means=kpi("mtbf"),
    runbook="DomainSilent",
    says="What the cranes reported as broken, newest first.",
    units={"Last": "dateTimeAsIso"},
    width=8,
)
BOARD = Dashboard(
    uid="quaystream-crane",
    title="Cranes",
    says="What the cranes of a site lifted, what they were doing, what it took, and what broke.",
    choices=CRANES,
    rows=(
        Row("In the chosen time", NUMBERS),
        Row("States", (TIMELINE,)),
        Row("Cycles and productivity", (*WORK, TIME, FAULTS)),
        Row("Load, energy, wind", METERS),
    ),
)
