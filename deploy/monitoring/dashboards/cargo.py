"""Boxes and ships: what lies here and for whom it waits, and how ships are worked."""

from deploy.monitoring.dashboards.panel import OF_SITE, SITE, Colour, Dashboard, Panel, Row, Sql, kpi, numbered
from deploy.monitoring.dashboards.sql import SINCE, STEP, STEP_H, UNTIL

VISIT = "visits-and-calls.md#cargo-visits-portcargo_visit"
CALL = "visits-and-calls.md#vessel-calls-portvessel_call"


def now(title: str, query: str, unit: str, means: str, says: str) -> Panel:
    return Panel(title, "stat", (Sql(query),), unit, means, "RefoldLate", says, width=4, height=4)


NUMBERS = (
    now(
        "Boxes ashore",
        f"SELECT count(*) AS boxes FROM port.cargo_visit WHERE outcome = 'open' AND {OF_SITE}",
        "short",
        VISIT,
        "Containers that have come and not left.",
    ),
    now(
        "Of them cleared, not released",
        f"SELECT count(*) AS boxes FROM port.cargo_visit WHERE outcome = 'open' AND cleared_at IS NOT NULL AND released_at IS NULL AND {OF_SITE}",
        "short",
        VISIT,
        "No agency has a hold on them, and they may not leave yet.",
    ),
    now(
        "Released in the chosen time",
        f"SELECT count(*) AS boxes FROM port.cargo_visit WHERE $__timeFilter(released_at) AND {OF_SITE}",
        "short",
        kpi("yard_release"),
        "Containers that may leave since then.",
    ),
    now(
        "Out by truck",
        f"SELECT count(*) AS boxes FROM port.cargo_visit WHERE $__timeFilter(gated_out_at) AND {OF_SITE}",
        "short",
        VISIT,
        "Containers that left by the gate in the chosen time.",
    ),
    now(
        "Ships alongside",
        f"SELECT count(*) AS ships FROM port.vessel_call WHERE outcome = 'open' AND berthed_at IS NOT NULL AND departed_at IS NULL AND {OF_SITE}",
        "short",
        CALL,
        "Calls that have berthed and not departed.",
    ),
    now(
        "Ships waiting",
        f"SELECT count(*) AS ships FROM port.vessel_call WHERE outcome = 'open' AND anchored_at IS NOT NULL AND berthed_at IS NULL AND {OF_SITE}",
        "short",
        kpi("berth_waiting"),
        "Calls that anchored and have not berthed.",
    ),
)
# Arrivals begin a visit, so the index on its begin finds both; what comes later has an index each.
_ARRIVED = f"""    SELECT time_bucket({STEP}, m.at) AS time, m.metric, count(*) AS boxes
    FROM port.cargo_visit CROSS JOIN LATERAL (VALUES ('discharged', discharged_at), ('in by truck', gated_in_at)) AS m (metric, at)
    WHERE first_at BETWEEN {SINCE} - INTERVAL '1 day' AND {UNTIL} AND $__timeFilter(m.at) AND {OF_SITE} GROUP BY 1, 2"""
_LATER = (("released", "released_at"), ("out by truck", "gated_out_at"), ("loaded", "loaded_at"))
COUNTED = "\n    UNION ALL\n".join(
    (
        _ARRIVED,
        *(
            f"""    SELECT time_bucket({STEP}, {column}), '{name}', count(*)
    FROM port.cargo_visit WHERE $__timeFilter({column}) AND {OF_SITE} GROUP BY 1"""
            for name, column in _LATER
        ),
    )
)
FLOW = Panel(
    title="Boxes through their milestones, per hour",
    kind="timeseries",
    queries=(Sql(f"SELECT time, metric, boxes / {STEP_H} AS value FROM (\n{COUNTED}\n) AS m ORDER BY 1"),),
    unit="short",
    means=VISIT,
    runbook="RefoldLate",
    says="How many boxes reached each milestone.",
)
AGENCIES = Panel(
    title="Whom boxes wait for",
    kind="bars",
    queries=(
        Sql(f"""
SELECT w.agency AS "Agency", avg(w.seconds::float8) AS "Mean wait"
FROM port.cargo_visit AS v CROSS JOIN LATERAL jsonb_each_text(v.wait_s_by_agency) AS w (agency, seconds)
WHERE $__timeFilter(v.first_at) AND v.{OF_SITE} GROUP BY 1 ORDER BY 2 DESC LIMIT 12
"""),
    ),
    unit="s",
    means=kpi("agency_wait"),
    runbook="RefoldLate",
    says="From an agency's request, selection or hold until its clearance, per box that had to wait for it; boxes that came in the chosen time.",
)
DWELL = Panel(
    title="Dwell by class",
    kind="table",
    queries=(
        Sql(f"""
SELECT cargo_class AS "Class", count(*) AS "Boxes", avg(dwell_s) AS "Mean",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY dwell_s) AS "Median",
       percentile_cont(0.9) WITHIN GROUP (ORDER BY dwell_s) AS "9 of 10"
FROM port.cargo_visit
WHERE ($__timeFilter(gated_out_at) OR $__timeFilter(loaded_at)) AND dwell_s IS NOT NULL AND {OF_SITE}
GROUP BY 1 ORDER BY 2 DESC
"""),
    ),
    unit="s",
    means=kpi("dwell_p50"),
    runbook="RefoldLate",
    says="From arrival to leaving, of boxes that left in the chosen time.",
    units={"Boxes": "short"},
)
BERTHS: dict[str, Colour] = {"occupied": "blue", "working": "green", "free": "grey"}
STAYS = Panel(
    title="Berths",
    kind="timeline",
    queries=(
        Sql(f"""
WITH calls AS (
    SELECT site, coalesce(berth, '?') AS berth, berthed_at, cargo_started_at, cargo_completed_at, departed_at
    FROM port.vessel_call
    WHERE berthed_at BETWEEN {SINCE} - INTERVAL '14 days' AND {UNTIL} AND (departed_at IS NULL OR departed_at >= {SINCE}) AND {OF_SITE}
)
SELECT greatest(c.at, {SINCE}) AS time, split_part(site, '-', 2) || ' ' || berth AS metric, {numbered("c.state", BERTHS)} AS value
FROM calls CROSS JOIN LATERAL (
    VALUES (berthed_at, 'occupied'), (cargo_started_at, 'working'), (cargo_completed_at, 'occupied'), (departed_at, 'free')
) AS c (at, state)
WHERE c.at <= {UNTIL} ORDER BY c.at
"""),
    ),
    unit="none",
    means=kpi("berth_occupancy"),
    runbook="RefoldLate",
    says="A ship is there, and is being worked between the begin and the end of cargo operations.",
    colours=BERTHS,
    width=24,
    height=7,
)
CALLS = Panel(
    title="Calls",
    kind="table",
    queries=(
        Sql(f"""
SELECT v.call_id AS "Call", v.site AS "Site", v.berth AS "Berth", v.berthed_at AS "Berthed", v.departed_at AS "Departed", v.outcome AS "State",
       v.wait_s AS "Waited", v.turnaround_s AS "Turnaround", c.boxes AS "Boxes",
       c.boxes / nullif(extract(epoch FROM coalesce(v.cargo_completed_at, {UNTIL}) - v.cargo_started_at) / 3600, 0) AS "Boxes an hour"
FROM (
    SELECT * FROM port.vessel_call
    WHERE first_at BETWEEN {SINCE} - INTERVAL '14 days' AND {UNTIL} AND last_at >= {SINCE} AND {OF_SITE}
    ORDER BY last_at DESC LIMIT 50
) AS v LEFT JOIN LATERAL (
    SELECT sum(boxes) AS boxes FROM port.crane_cycle
    WHERE call_id = v.call_id AND site = v.site AND outcome IN ('counted', 'gap', 'suspended') AND move_kind IN ('load', 'discharge')
) AS c ON true
ORDER BY v.last_at DESC
"""),
    ),
    unit="short",
    means=kpi("berth_productivity"),
    runbook="RefoldLate",
    says="The last 50 ships that told of themselves in the chosen time. Boxes an hour: by the clock, from the begin of cargo operations.",
    units={
        "Berthed": "dateTimeAsIso",
        "Departed": "dateTimeAsIso",
        "Waited": "s",
        "Turnaround": "s",
        "Boxes an hour": "none",
    },
    width=24,
    height=9,
)
HELD = Panel(
    title="Boxes held by an agency, longest first",
    kind="table",
    queries=(
        Sql(f"""
SELECT v.equipment_reference AS "Box", v.site AS "Site", v.cargo_class AS "Class", v.first_at AS "Came", w.agency AS "Agency", w.seconds::float8 AS "Waited"
FROM (
    SELECT * FROM port.cargo_visit WHERE outcome = 'open' AND cleared_at IS NULL AND agency_wait_s > 0 AND {OF_SITE}
) AS v CROSS JOIN LATERAL jsonb_each_text(v.wait_s_by_agency) AS w (agency, seconds)
ORDER BY w.seconds::float8 DESC LIMIT 50
"""),
    ),
    unit="short",
    means=kpi("agency_wait"),
    runbook="RefoldLate",
    says="Boxes that some agency has not cleared yet.",
    units={"Came": "dateTimeAsIso", "Waited": "s"},
    width=24,
)
BOARD = Dashboard(
    uid="quaystream-cargo",
    title="Cargo and vessels",
    says="What lies here and for whom it waits, and how ships are worked.",
    choices=(SITE,),
    since="now-2d",
    rows=(
        Row("Now", NUMBERS),
        Row("Boxes", (FLOW, AGENCIES, DWELL, HELD)),
        Row("Ships", (STAYS, CALLS)),
    ),
)
