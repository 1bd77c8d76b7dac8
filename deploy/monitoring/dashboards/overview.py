"""The port at a glance: what moves, who waits, and whether what is shown can be believed. For all 22 sites at once."""

from deploy.monitoring.dashboards.panel import (
    METRICS,
    OF_SITE,
    SITE,
    SITES,
    Dashboard,
    Panel,
    Promql,
    Row,
    Sql,
    Step,
    at_site,
    kpi,
    worse_above,
    worse_below,
)
from deploy.monitoring.dashboards.sql import STEP, UNTIL, lifts, rollup

EVENTS = Panel(
    title="Events stored",
    kind="stat",
    queries=(Promql('sum(rate(quaystream_records_total{outcome="accepted"}[$__rate_interval]))'),),
    unit="eps",
    means=METRICS,
    runbook="WorkersDown",
    says="Events a second that were accepted, of all sites and domains.",
    steps=worse_below(0.01, 1),
    width=4,
    height=4,
)
AGE = Panel(
    title="Newest crane or network event",
    kind="stat",
    queries=(Promql('max(time() - max by (domain) (quaystream_freshness_timestamp_seconds{domain=~"crane|cell"}))'),),
    unit="s",
    means=METRICS,
    runbook="DomainSilent",
    says="Age of the newest stored event of the domain that has been silent longest. Both speak all the time.",
    steps=worse_above(10, 600),
    width=4,
    height=4,
)
MISSING = Panel(
    title="Numbered events missing",
    kind="stat",
    queries=(Promql('sum(max by (domain, site) (quaystream_sequence_missing{site=~"${site:regex}"})) or vector(0)'),),
    unit="short",
    means="guarantees.md#what-is-missing-is-recorded",
    runbook="CompletenessBudgetBurn",
    says="Numbers that gateways gave and that have not come, without those in dead letters.",
    steps=worse_above(1, 1_000),
    width=4,
    height=4,
)
BOXES = Panel(
    title="Boxes over the quay",
    kind="stat",
    queries=(Sql(lifts("coalesce(sum(c.boxes), 0) AS boxes", OF_SITE)),),
    unit="short",
    means=kpi("quay_throughput"),
    runbook="RefoldLate",
    says="Boxes that quay cranes lifted to and from ships in the chosen time.",
    width=4,
    height=4,
)
TRUCKS = Panel(
    title="Trucks on the way through",
    kind="stat",
    queries=(
        Sql(
            f"SELECT count(*) AS trucks FROM port.gate_visit WHERE outcome = 'open' AND last_at > {UNTIL} - INTERVAL '1 day' AND {OF_SITE}"
        ),
    ),
    unit="short",
    means="visits-and-calls.md#gate-visits-portgate_visit",
    runbook="RefoldLate",
    says="Visits that have begun and not ended.",
    width=4,
    height=4,
)
ALARMS = Panel(
    title="5G alarms, major and worse",
    kind="stat",
    queries=(
        Sql(
            "SELECT count(*) AS alarms FROM port.cell_alarm WHERE outcome = 'open' "
            f"AND last_severity IN ('critical', 'major') AND {OF_SITE}"
        ),
    ),
    unit="short",
    means="how-to/5g-alarms-and-sla.md#alarms",
    runbook="SlaBudgetBurnFast",
    says="Alarms of cells that are raised and not cleared.",
    steps=worse_above(1, 5),
    width=4,
    height=4,
)
BY_SITE = Panel(
    title="Sites",
    kind="table",
    queries=(
        Sql(f"""
WITH sites AS (SELECT site FROM ({SITES}) AS s WHERE {OF_SITE}),
cranes AS (
    SELECT site, count(DISTINCT crane_id) AS heard,
           count(DISTINCT crane_id) FILTER (WHERE moves_total_max > moves_total_min) AS lifting
    FROM port.crane_minute WHERE bucket > {UNTIL} - INTERVAL '15 min' AND bucket <= {UNTIL} AND {at_site("crane")} GROUP BY site
),
lifted AS (
    SELECT site, sum(boxes) FILTER (WHERE ended_at > {UNTIL} - INTERVAL '1 hour') AS boxes_1h
    FROM port.crane_cycle WHERE ended_at > {UNTIL} - INTERVAL '1 hour' AND ended_at <= {UNTIL} AND {OF_SITE} GROUP BY site
),
visits AS (
    SELECT site, count(*) FILTER (WHERE outcome = 'open') AS inside,
           avg(manual_touch_points) FILTER (WHERE outcome <> 'open') AS by_hand,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY turn_time_s) AS turn_p90
    FROM port.gate_visit
    WHERE (entered_at BETWEEN {UNTIL} - INTERVAL '1 day' AND {UNTIL}
           OR outcome = 'open' AND last_at BETWEEN {UNTIL} - INTERVAL '1 day' AND {UNTIL}) AND {OF_SITE}
    GROUP BY site
),
radio AS (
    SELECT site, count(*) FILTER (WHERE state = 'out') / nullif(count(*) FILTER (WHERE state <> 'unknown'), 0)::float8 AS out_share
    FROM port.sla_minute WHERE bucket > {UNTIL} - INTERVAL '1 hour' AND bucket <= {UNTIL} AND {OF_SITE} GROUP BY site
),
alarms AS (
    SELECT site, count(*) AS alarms FROM port.cell_alarm WHERE outcome = 'open' AND {OF_SITE} GROUP BY site
)
SELECT s.site AS "Site", c.heard AS "Cranes heard", c.lifting AS "Cranes lifting", l.boxes_1h AS "Boxes, 1 h",
       v.inside AS "Trucks", v.by_hand AS "By hand", v.turn_p90 AS "Turn time p90", r.out_share AS "5G out, 1 h", a.alarms AS "5G alarms"
FROM sites AS s LEFT JOIN cranes AS c USING (site) LEFT JOIN lifted AS l USING (site) LEFT JOIN visits AS v USING (site)
LEFT JOIN radio AS r USING (site) LEFT JOIN alarms AS a USING (site)
ORDER BY l.boxes_1h DESC NULLS LAST, s.site
"""),
    ),
    unit="short",
    means="how-to/read-the-data.md",
    runbook="DomainSilent",
    says="One line a site, at the end of the chosen time: cranes of the last quarter of an hour, trucks of the last day.",
    units={"Turn time p90": "s", "5G out, 1 h": "percentunit", "By hand": "none"},
    width=24,
    height=11,
)
THROUGHPUT = Panel(
    title="Boxes over the quay, per hour",
    kind="timeseries",
    queries=(
        Sql(
            f"SELECT time_bucket({STEP}, l.ended_at) AS time, l.site AS metric, sum(l.boxes) * 3600 / extract(epoch FROM {STEP}) AS value\n"
            f"FROM (\n    {lifts('c.site, c.ended_at, c.boxes', OF_SITE)}\n) AS l GROUP BY 1, 2 ORDER BY 1"
        ),
    ),
    unit="short",
    means=kpi("quay_throughput"),
    runbook="RefoldLate",
    says="Boxes that quay cranes lifted to and from ships, as a rate per hour.",
    stacked=True,
)
STEPS = Panel(
    title="Steps at the gates, per minute",
    kind="timeseries",
    queries=(
        Sql(
            f"SELECT time_bucket({STEP}, g.bucket) AS time, g.site AS metric, sum(g.steps) * 60 / extract(epoch FROM {STEP}) AS value\n"
            f"FROM (\n    {rollup('gate', 'bucket, site, steps', at_site('gate'))}\n) AS g GROUP BY 1, 2 ORDER BY 1"
        ),
    ),
    unit="short",
    means="reference/tables.md#portgate_minute-portgate_hour",
    runbook="DomainSilent",
    says="Steps of trucks through the gates: how busy they are.",
    stacked=True,
)
OUT = Panel(
    title="5G device minutes out of their profile",
    kind="timeseries",
    queries=(
        Promql(
            '(sum by (site) (rate(quaystream_sla_minutes_total{state="out", site=~"${site:regex}"}[1h]))\n'
            'or 0 * sum by (site) (rate(quaystream_sla_minutes_total{site=~"${site:regex}"}[1h])))\n'
            '/ sum by (site) (rate(quaystream_sla_minutes_total{state=~"in|out", site=~"${site:regex}"}[1h]))',
            "{{site}}",
        ),
    ),
    unit="percentunit",
    means="how-to/5g-alarms-and-sla.md#error-budgets",
    runbook="SlaBudgetBurnMedium",
    says="Share of known device minutes out of what their use asks of the network, over an hour.",
    steps=(Step(None, "green"), Step(0.01, "red")),
)

BOARD = Dashboard(
    uid="quaystream-overview",
    title="Port overview",
    says="What moves, who waits, and whether it can be believed, for every site.",
    choices=(SITE,),
    rows=(
        Row("Now", (EVENTS, AGE, MISSING, BOXES, TRUCKS, ALARMS)),
        Row("Sites", (BY_SITE,)),
        Row("In time", (THROUGHPUT, STEPS, OUT)),
    ),
)
