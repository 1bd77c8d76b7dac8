"""The private 5G network of a site: is what was promised kept, where is it weak, what alarms, and what it cost."""

from deploy.monitoring.dashboards.panel import (
    OF_SITE,
    Dashboard,
    Panel,
    Promql,
    Row,
    Sql,
    Step,
    at_site,
    kpi,
    machines,
    worse_above,
    worse_below,
)
from deploy.monitoring.dashboards.sql import COLUMN, SINCE, STEP, STEP_H, UNTIL, rollup

DEVICES = machines("device", "Device")
OF_DEVICE = "device_id IN (${device:sqlstring})"
ROLLUP = "reference/tables.md#portradio_minute-portradio_hour"
BUDGETS = "how-to/5g-alarms-and-sla.md#error-budgets"
ALARM = "how-to/5g-alarms-and-sla.md#alarms"
LOST = "how-to/radio-attribution.md"
_SHORT_NAME = "split_part(device_id, '-', 3)"
# 3GPP TS 38.133 lets a cell be reported down to -156 dBm; control traffic is in trouble long before.
RSRP = (Step(None, "red"), Step(-110, "orange"), Step(-100, "yellow"), Step(-90, "green"))

LEFT = Panel(
    title="SLA budget left",
    kind="bars",
    queries=(
        Promql(
            """
1 - (
  # A network that was never out has no such series.
  (
    sum by (site, profile) (increase(quaystream_sla_minutes_total{state="out", site=~"${site:regex}"}[$__range]))
    or 0 * sum by (site, profile) (increase(quaystream_sla_minutes_total{site=~"${site:regex}"}[$__range]))
  )
  / sum by (site, profile) (increase(quaystream_sla_minutes_total{state=~"in|out", site=~"${site:regex}"}[$__range]))
) / on (profile) group_left () max by (profile) (last_over_time(quaystream_sla_budget_ratio[$__range]))
""",
            "{{site}} {{profile}}",
            instant=True,
        ),
    ),
    unit="percentunit",
    means=BUDGETS,
    runbook="SlaBudgetBurnSlow",
    says="Of what each profile may be out in the chosen time. Below 0 the promise is broken.",
    steps=worse_below(0, 0.25),
    bounds=(-1, 1),
)
BURN = Panel(
    title="How fast it burns",
    kind="timeseries",
    queries=(Promql('site_profile:quaystream_sla_burn:rate1h{site=~"${site:regex}"}', "{{site}} {{profile}}"),),
    unit="none",
    means=BUDGETS,
    runbook="SlaBudgetBurnFast",
    says="1 spends exactly the budget; over 14.4 somebody is paged.",
    steps=worse_above(1, 14.4),
)
OUT = Panel(
    title="Devices out of their profile, last day",
    kind="table",
    queries=(
        Sql(f"""
SELECT {_SHORT_NAME} AS "Device", profile AS "Profile", count(*) FILTER (WHERE state = 'out') AS "Minutes out",
       sum(outage_s) AS "Longest outages", count(*) FILTER (WHERE state = 'unknown') / count(*)::float8 AS "Unknown"
FROM port.sla_minute
WHERE bucket > greatest({SINCE}, {UNTIL} - INTERVAL '1 day') AND bucket <= {UNTIL} AND {OF_DEVICE}
GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT 50
"""),
    ),
    unit="short",
    means=BUDGETS,
    runbook="SlaBudgetBurnMedium",
    says="Of at most the last day of the chosen time. Unknown minutes are neither good nor bad.",
    units={"Longest outages": "s", "Unknown": "percentunit"},
)


def strip(title: str, columns: str, summed: str, unit: str, says: str, steps: tuple[Step, ...]) -> Panel:
    """A row per device, a cell per moment, coloured by how bad it was at worst."""
    query = f"""
SELECT time_bucket({COLUMN}, bucket) AS time, {_SHORT_NAME} AS metric, {summed} AS value
FROM (
    {rollup("radio", f"bucket, device_id, {columns}", OF_DEVICE)}
) AS r GROUP BY 1, 2 ORDER BY 1"""
    return Panel(title, "strip", (Sql(query),), unit, ROLLUP, "SlaBudgetBurnMedium", says, steps, width=24, height=10)


SIGNAL = strip(
    "Weakest signal of each device (RSRP)",
    "rsrp_dbm_min",
    "min(rsrp_dbm_min)",
    "dBm",
    "The weakest reading in each stretch of time.",
    RSRP,
)


def per_device(title: str, columns: str, summed: str, unit: str, says: str, steps: tuple[Step, ...] = ()) -> Panel:
    query = f"""
SELECT time_bucket({STEP}, bucket) AS time, {_SHORT_NAME} AS metric, {summed} AS value
FROM (
    {rollup("radio", f"bucket, device_id, {columns}", OF_DEVICE)}
) AS r GROUP BY 1, 2 ORDER BY 1"""
    return Panel(title, "timeseries", (Sql(query),), unit, ROLLUP, "SlaBudgetBurnMedium", says, steps)


READINGS = (
    per_device(
        "Round trip, slowest",
        "rtt_ms_max",
        "max(rtt_ms_max)",
        "ms",
        "The slowest reading in each stretch of time.",
        worse_above(30, 100),
    ),
    per_device(
        "Loss, worst",
        "loss_ratio_max",
        "max(loss_ratio_max)",
        "percentunit",
        "The worst reading in each stretch of time.",
        worse_above(0.001, 0.01),
    ),
    per_device(
        "Handovers per hour",
        "handovers",
        f"sum(handovers) / {STEP_H}",
        "short",
        "Readings with a handover. Many at one place are a border between two cells.",
    ),
)
ALARMS = Panel(
    title="Alarms",
    kind="table",
    queries=(
        Sql(f"""
SELECT last_at AS "Last", split_part(cell_id, '-', 3) AS "Cell", condition AS "Condition", last_severity AS "Severity",
       outcome AS "State", flaps AS "Flaps",
       CASE WHEN outcome = 'open' THEN extract(epoch FROM {UNTIL} - coalesce(raised_at, first_at)) ELSE active_s END AS "Active"
FROM port.cell_alarm
WHERE (outcome = 'open' OR $__timeFilter(first_at)) AND {OF_SITE}
ORDER BY outcome = 'open' DESC, last_at DESC LIMIT 100
"""),
    ),
    unit="short",
    means=ALARM,
    runbook="SlaBudgetBurnFast",
    says="Open ones first, then those that began in the chosen time.",
    units={"Last": "dateTimeAsIso", "Active": "s"},
    width=12,
)
RAISED = Panel(
    title="Alarms that began",
    kind="timeseries",
    queries=(
        Sql(
            f"SELECT time_bucket({STEP}, first_at) AS time, coalesce(severity, 'unknown') AS metric, count(*) AS value FROM port.cell_alarm "
            f"WHERE $__timeFilter(first_at) AND {OF_SITE} GROUP BY 1, 2 ORDER BY 1"
        ),
    ),
    unit="short",
    means=ALARM,
    runbook="SlaBudgetBurnFast",
    says="By the severity they began with.",
    stacked=True,
    width=12,
)
MOVES = Panel(
    title="Moves lost to the radio, by day",
    kind="table",
    queries=(
        Sql(f"""
SELECT day AS "Day", split_part(asset_id, '-', 3) AS "Machine", cycles AS "Cycles", exposed AS "In bad radio", attributed AS "Cost by it",
       moves_lost AS "Moves lost", moves_low AS "At least", moves_high AS "At most", lost_s AS "Time lost", completeness AS "Known"
FROM kpi.radio_attribution
WHERE day >= {SINCE} - INTERVAL '1 day' AND day <= {UNTIL} AND {OF_SITE}
ORDER BY day DESC, moves_lost DESC LIMIT 100
"""),
    ),
    unit="none",
    means=kpi("radio_moves_lost"),
    runbook="SlaBudgetBurnMedium",
    says="What the radio cost each machine, with a 95 % interval. An interval that includes 0 claims nothing.",
    units={"Time lost": "s", "Known": "percentunit", "Day": "dateTimeAsIso"},
    width=16,
)
CELLS = Panel(
    title="Which cell served meanwhile",
    kind="bars",
    queries=(
        Sql(f"""
SELECT split_part(c.cell, '-', 3) AS "Cell", sum(c.bad_s::float8) AS "Bad radio"
FROM kpi.radio_attribution CROSS JOIN LATERAL jsonb_each_text(cells) AS c (cell, bad_s)
WHERE day >= {SINCE} - INTERVAL '1 day' AND day <= {UNTIL} AND {OF_SITE} GROUP BY 1 ORDER BY 2 DESC LIMIT 12
"""),
    ),
    unit="s",
    means=LOST,
    runbook="SlaBudgetBurnMedium",
    says="Seconds of bad radio during work, by the cell that served.",
)
THROUGHPUT = Panel(
    title="Uplink of a device, by cell",
    kind="timeseries",
    queries=(
        Sql(f"""
SELECT time_bucket({STEP}, bucket) AS time, split_part(cell_id, '-', 3) AS metric,
       sum(value_si_sum) / nullif(sum(value_si_count), 0) AS value
FROM (
    {rollup("cell", "bucket, cell_id, value_si_sum, value_si_count", f"{at_site('cell')} AND name = 'DRB.UEThpUl'")}
) AS r GROUP BY 1, 2 ORDER BY 1"""),
    ),
    unit="bps",
    means="how-to/5g-kpis.md",
    runbook="DomainSilent",
    says="The network's own counter DRB.UEThpUl, mean of its reports.",
)
BOARD = Dashboard(
    uid="quaystream-5g",
    title="Private 5G",
    says="Is what was promised kept, where is it weak, what alarms, and what it cost.",
    choices=DEVICES,
    rows=(
        Row("Promises", (LEFT, BURN, OUT)),
        Row("Radio, device by device", (SIGNAL, *READINGS)),
        Row("Alarms", (ALARMS, RAISED)),
        Row("What it cost", (MOVES, CELLS)),
        Row("The network's counters", (THROUGHPUT,)),
    ),
)
