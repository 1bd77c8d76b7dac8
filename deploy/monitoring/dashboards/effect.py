"""What came of it: each site's numbers before and after its baseline, with how sure that is."""

from dataclasses import dataclass

from deploy.monitoring.dashboards.panel import OF_SITE, SITE, Dashboard, Panel, Row, Sql, kpi
from deploy.monitoring.dashboards.sql import SINCE, UNTIL

BEFORE_AFTER = "how-to/kpis.md#before-and-after"
EFFECT = Panel(
    title="Before and after",
    kind="table",
    queries=(
        Sql(f"""
SELECT e.site AS "Site", d.title AS "Number", e.part AS "Of", d.unit AS "Unit", e.baseline AS "Before", e.value AS "After",
       e.ratio - 1 AS "Change", e.ratio_low - 1 AS "At least", e.ratio_high - 1 AS "At most",
       CASE WHEN e.ratio_low IS NULL THEN 'unknown'
            WHEN e.ratio_low <= 1 AND e.ratio_high >= 1 THEN 'no effect shown'
            WHEN (e.ratio > 1) = (d.better = 'higher') THEN 'better' ELSE 'worse' END AS "Verdict",
       e.completeness AS "Complete", e.until_at AS "Until"
FROM kpi.effect_stored AS e JOIN kpi.definition AS d ON d.kpi_id = e.kpi_id AND d.kpi_version = e.kpi_version
WHERE e.{OF_SITE} AND d.better <> 'neither' ORDER BY e.site, d.title, e.part NULLS FIRST
"""),
    ),
    unit="none",
    means=BEFORE_AFTER,
    runbook="RefoldLate",
    says="From the end of the newest baseline on, worked out once an hour, with 95 % intervals. None of it says what caused the change.",
    units={
        "Change": "percentunit",
        "At least": "percentunit",
        "At most": "percentunit",
        "Complete": "percentunit",
        "Until": "dateTimeAsIso",
    },
    colours={"better": "green", "worse": "red", "no effect shown": "grey", "unknown": "grey"},
    width=24,
    height=14,
)
BASELINES = Panel(
    title="What it is compared with",
    kind="table",
    queries=(
        Sql(f"""
SELECT site AS "Site", max(set_at) AS "Set", min(period_from) AS "From", max(period_to) AS "To", count(*) AS "Numbers", max(note) AS "Note"
FROM kpi.baseline WHERE {OF_SITE} GROUP BY site, set_at ORDER BY 2 DESC
"""),
    ),
    unit="short",
    means=BEFORE_AFTER,
    runbook="RefoldLate",
    says="The newest of each site counts; older ones stay as evidence.",
    units={"Set": "dateTimeAsIso", "From": "dateTimeAsIso", "To": "dateTimeAsIso"},
    width=24,
    height=6,
)


@dataclass(frozen=True)
class Mean:
    """A KPI that is a mean of one column of facts: `per` of the column's unit are one of the KPI's."""

    kpi: str
    column: str
    table: str
    at: str
    per: float


def by_day(title: str, mean: Mean, unit: str) -> Panel:
    """A site's mean day by day, in the column's own unit, beside its baseline."""
    query = f"""
SELECT time_bucket(INTERVAL '1 day', {mean.at}) AS time, site AS metric, avg({mean.column}) AS value
FROM {mean.table} WHERE $__timeFilter({mean.at}) AND {OF_SITE} GROUP BY 1, 2
UNION ALL
SELECT t.at, b.site || ' before', b.value * {mean.per} FROM (
    SELECT DISTINCT ON (site) site, value FROM kpi.baseline
    WHERE kpi_id = '{mean.kpi}' AND part IS NULL AND {OF_SITE} ORDER BY site, set_at DESC
) AS b CROSS JOIN (VALUES ({SINCE}), ({UNTIL})) AS t (at)
ORDER BY 1"""
    says = "Mean of each UTC day, beside the baseline."
    return Panel(title, "timeseries", (Sql(query),), unit, kpi(mean.kpi), "RefoldLate", says)


DAYS = (
    by_day(
        "Manual touch points a visit",
        Mean("manual_touch_points", "manual_touch_points", "port.gate_visit", "left_at", 1),
        "none",
    ),
    by_day("Truck turn time", Mean("truck_turn_time", "turn_time_s", "port.gate_visit", "left_at", 60), "s"),
    by_day(
        "Dwell of boxes that leave by truck",
        Mean("dwell_mean", "dwell_s", "port.cargo_visit", "gated_out_at", 3_600),
        "s",
    ),
)
BOARD = Dashboard(
    uid="quaystream-effect",
    title="Business effect",
    says="Each site's numbers before and after its baseline, with how sure that is.",
    choices=(SITE,),
    since="now-30d",
    rows=(Row("Effect", (EFFECT,)), Row("Day by day", DAYS), Row("Baselines", (BASELINES,))),
)
