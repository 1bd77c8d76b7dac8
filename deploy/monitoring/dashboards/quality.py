"""Whether the numbers can be believed: what is missing, whose clock is wrong, what was restated."""

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
    worse_above,
    worse_below,
)
from deploy.monitoring.dashboards.sql import STEP, UNTIL

MISSING = "guarantees.md#what-is-missing-is-recorded"
RESTATED = "how-to/facts.md#revision-and-restatement"
COMPLETE = Panel(
    title="Completeness, last hour",
    kind="stat",
    queries=(Promql("1 - domain:quaystream_sequence_missing:ratio1h", "{{domain}}"),),
    unit="percentunit",
    means=MISSING,
    runbook="CompletenessBudgetBurn",
    says="Received of expected, by the numbers gateways give their events.",
    steps=worse_below(0.99, 0.999),
    width=12,
    height=5,
)
LOST = Panel(
    title="Records the brokers no longer had",
    kind="stat",
    queries=(Promql("sum(quaystream_lost_records_total) or vector(0)"),),
    unit="short",
    means=MISSING,
    runbook="LostRecords",
    says="Since the workers started. Each range stands in ingest.lost_range.",
    steps=worse_above(1, 1),
    width=6,
    height=5,
)
LEDGER = Panel(
    title="Ledger",
    kind="stat",
    queries=(Promql("max(abs(quaystream_ledger_difference))"),),
    unit="short",
    means="how-to/verify.md#what-is-checked",
    runbook="LedgerDifference",
    says="Offsets less the sum of outcomes: must be 0.",
    steps=worse_above(1, 1),
    width=6,
    height=5,
)
GAPS = Panel(
    title="Numbered events missing, by domain and site",
    kind="timeseries",
    queries=(
        Promql('max by (domain, site) (quaystream_sequence_missing{site=~"${site:regex}"})', "{{site}} {{domain}}"),
    ),
    unit="short",
    means=MISSING,
    runbook="CompletenessBudgetBurn",
    says="Numbers used and not received. They fall again when the gateway sends what it kept.",
    steps=(Step(None, "green"), Step(1_000, "red")),
)
OVER_TIME = Panel(
    title="Completeness, in time",
    kind="timeseries",
    queries=(Promql("1 - domain:quaystream_sequence_missing:ratio30m", "{{domain}}"),),
    unit="percentunit",
    means=MISSING,
    runbook="CompletenessBudgetBurn",
    says="Of the last half hour at each moment. What comes later is not counted back into it; kpi.completeness does that.",
    steps=worse_below(0.99, 0.999),
)
SKEW = Panel(
    title="Clocks of sources",
    kind="timeseries",
    queries=(Promql("max by (domain, source) (quaystream_clock_skew_seconds)", "{{source}} {{domain}}"),),
    unit="s",
    means=METRICS,
    runbook="ClockSkew",
    says="Newest event time less the broker's. Above 0 the source's clock is ahead; far below it is behind, or late.",
    steps=worse_above(30, 300),
)
LATE = Panel(
    title="Events stored late",
    kind="timeseries",
    queries=(Promql("domain:quaystream_event_age_seconds:late_ratio5m", "{{domain}}"),),
    unit="percentunit",
    means=METRICS,
    runbook="EventsArriveLate",
    says="Share of events stored more than 2 s after they happened.",
    steps=worse_above(0.01, 0.05),
)
REFUSED = Panel(
    title="Refused, by reason",
    kind="bars",
    queries=(
        Promql(
            'sort_desc(sum by (reason) (increase(quaystream_records_total{outcome="rejected"}[$__range])))',
            "{{reason}}",
            instant=True,
        ),
    ),
    unit="short",
    means="reference/reasons.md",
    runbook="DeadLetterBudgetBurn",
    says="Records refused in the chosen time.",
)
UNKNOWN = Panel(
    title="Fields and counters nobody knows",
    kind="timeseries",
    queries=(
        Promql(
            "sum by (domain) (increase(quaystream_unknown_fields_total[$__rate_interval])) or vector(0)",
            "fields {{domain}}",
        ),
        Promql(
            "sum by (cause) (increase(quaystream_counters_unknown_total[$__rate_interval])) or vector(0)",
            "counters: {{cause}}",
        ),
    ),
    unit="short",
    means=METRICS,
    runbook="DeadLetterBudgetBurn",
    says="Accepted events with something the schemas do not know: a vendor has changed something.",
)
RESTATEMENTS = Panel(
    title="Restatements",
    kind="timeseries",
    queries=(
        Sql(
            f"SELECT time_bucket({STEP}, changed_at) AS time, kind || ' ' || reason AS metric, count(*) AS value FROM kpi.restatement "
            f"WHERE $__timeFilter(changed_at) AND {OF_SITE} GROUP BY 1, 2 ORDER BY 1"
        ),
    ),
    unit="short",
    means=RESTATED,
    runbook="EventsArriveLate",
    says="Finished facts that changed afterwards, and why.",
    stacked=True,
)
NEWEST = Panel(
    title="Newest restatements",
    kind="table",
    queries=(
        Sql(f"""
SELECT changed_at AS "When", site AS "Site", kind AS "Fact", key AS "Key", reason AS "Reason", revision AS "Revision",
       extract(epoch FROM changed_at - old_recorded_at) AS "Stood for"
FROM kpi.restatement WHERE $__timeFilter(changed_at) AND {OF_SITE} ORDER BY changed_at DESC LIMIT 50
"""),
    ),
    unit="short",
    means=RESTATED,
    runbook="EventsArriveLate",
    says="What was said and is no longer so.",
    units={"When": "dateTimeAsIso", "Stood for": "s"},
    width=16,
)
KNOWN = Panel(
    title="How far each site is known",
    kind="table",
    queries=(
        Sql(
            f'SELECT site AS "Site", newest AS "Newest", extract(epoch FROM {UNTIL} - newest) AS "Ago" FROM ({SITES}) AS s LEFT JOIN ingest.site_clock USING (site) WHERE {OF_SITE} ORDER BY newest NULLS FIRST'
        ),
    ),
    unit="short",
    means="how-to/kpis.md#limits",
    runbook="DomainSilent",
    says="The newest event of cranes, gates, boxes or ships that facts are made of. A site that has never spoken comes first.",
    units={"Newest": "dateTimeAsIso", "Ago": "s"},
)
BOARD = Dashboard(
    uid="quaystream-quality",
    title="Data quality",
    says="Whether the numbers can be believed: what is missing, whose clock is wrong, what was restated.",
    choices=(SITE,),
    rows=(
        Row("Now", (COMPLETE, LOST, LEDGER)),
        Row("Complete", (OVER_TIME, GAPS, KNOWN)),
        Row("In time", (SKEW, LATE)),
        Row("Refused and unknown", (REFUSED, UNKNOWN)),
        Row("Restated", (RESTATEMENTS, NEWEST)),
    ),
)
