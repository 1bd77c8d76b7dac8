"""The way from Kafka to the database: how much, how far behind, how fresh, and what is refused."""

from deploy.monitoring.dashboards.panel import METRICS, Dashboard, Panel, Promql, Row, Step, worse_above, worse_below

RATE = "$__rate_interval"


def stat(title: str, query: str, unit: str, runbook: str, says: str, steps: tuple[Step, ...]) -> Panel:
    return Panel(title, "stat", (Promql(query),), unit, METRICS, runbook, says, steps, width=4, height=4)


def lines(title: str, queries: tuple[Promql, ...], unit: str, runbook: str, says: str, **how: object) -> Panel:
    return Panel(title, "timeseries", queries, unit, METRICS, runbook, says, **how)  # type: ignore[arg-type]


NOW = (
    stat(
        "Workers",
        'sum(up{job="quaystream-worker"})',
        "short",
        "WorkersDown",
        "Workers that answer Prometheus.",
        worse_below(1, 1),
    ),
    stat(
        "Records a second",
        f"sum(rate(quaystream_records_total[{RATE}]))",
        "recps",
        "WorkersDown",
        "Records that got an outcome.",
        worse_below(0.01, 1),
    ),
    stat(
        "Lag",
        'max(quaystream_partition_lag_seconds{topic=~".+-events"})',
        "s",
        "LagGrowing",
        "Age of the oldest record that waits, in the topic that is furthest behind.",
        worse_above(10, 60),
    ),
    stat(
        "Unknown lags",
        "count(quaystream_partition_lag_records != quaystream_partition_lag_records) or vector(0)",
        "short",
        "LagUnknown",
        "Partitions whose end nobody knows (NaN). Unknown is not 0.",
        worse_above(1, 12),
    ),
    stat(
        "Ledger",
        "max(abs(quaystream_ledger_difference))",
        "short",
        "LedgerDifference",
        "Offsets less the sum of outcomes: must be 0.",
        worse_above(1, 1),
    ),
    stat(
        "Paused partitions",
        "sum(quaystream_partition_paused)",
        "short",
        "PartitionPaused",
        "Held by the dead-letter bound.",
        worse_above(1, 1),
    ),
)
OUTCOMES = lines(
    "Records by outcome",
    (Promql(f"sum by (outcome) (rate(quaystream_records_total[{RATE}]))", "{{outcome}}"),),
    "recps",
    "DeadLetterBudgetBurn",
    "Every record ends as exactly one of them.",
    stacked=True,
)
DOMAINS = lines(
    "Accepted by domain",
    (Promql(f'sum by (domain) (rate(quaystream_records_total{{outcome="accepted"}}[{RATE}]))', "{{domain}}"),),
    "recps",
    "DomainSilent",
    "What comes from where.",
    stacked=True,
)
REASONS = lines(
    "Dead letters by reason",
    (
        Promql(
            f'sum by (domain, reason) (rate(quaystream_records_total{{outcome="rejected"}}[{RATE}]))',
            "{{domain}} {{reason}}",
        ),
    ),
    "recps",
    "DeadLetterBudgetBurn",
    "Records refused, by the first reason that matched.",
    stacked=True,
)
LAG_RECORDS = lines(
    "Lag in records",
    (Promql("sum by (topic) (quaystream_partition_lag_records)", "{{topic}}"),),
    "short",
    "WorkerStalled",
    "Records between the fence and the end. A gap in the line is unknown, not 0.",
)
LAG_SECONDS = lines(
    "Lag in seconds",
    (Promql("max by (topic) (quaystream_partition_lag_seconds)", "{{topic}}"),),
    "s",
    "LagGrowing",
    "Age of the oldest record that waits, by the broker's clock.",
    steps=worse_above(60, 600),
)
FRESHNESS = lines(
    "Freshness",
    (Promql("time() - max by (domain) (quaystream_freshness_timestamp_seconds)", "{{domain}}"),),
    "s",
    "DomainSilent",
    "Age of the newest stored event. Boxes and ships may be silent for long.",
)
AGE = lines(
    "From event to commit",
    tuple(
        Promql(
            f"histogram_quantile({share}, sum by (le) (rate(quaystream_event_age_seconds_bucket[{RATE}])))", f"{name}"
        )
        for share, name in ((0.5, "half"), (0.95, "95 of 100"), (0.99, "99 of 100"))
    ),
    "s",
    "FreshnessBudgetBurn",
    "Of accepted live events. The objective is 2 s.",
    steps=worse_above(2, 30),
)
COMMITS = lines(
    "Duration of a transaction",
    tuple(
        Promql(f"histogram_quantile({share}, sum by (le) (rate(quaystream_commit_seconds_bucket[{RATE}])))", f"{name}")
        for share, name in ((0.5, "half"), (0.95, "95 of 100"), (0.99, "99 of 100"))
    ),
    "s",
    "CommitsSlow",
    "One fenced transaction, commit included.",
    steps=worse_above(0.5, 2.5),
)
ROWS = lines(
    "Rows written by table",
    (Promql(f"sum by (table) (rate(quaystream_rows_written_total[{RATE}]))", "{{table}}"),),
    "rowsps",
    "CommitsSlow",
    "Rows of raw tables and rollups.",
    stacked=True,
)
TROUBLE = lines(
    "Fences and retries",
    (
        Promql(f"sum by (topic) (increase(quaystream_fenced_total[{RATE}])) or vector(0)", "fenced {{topic}}"),
        Promql(f"sum by (cause) (increase(quaystream_commit_retries_total[{RATE}])) or vector(0)", "again: {{cause}}"),
    ),
    "short",
    "FenceStorm",
    "Transactions refused because another worker had moved the offset, and those rolled back and tried again.",
)
RELAY = lines(
    "Dead letters waiting for their topic",
    (Promql("sum by (topic) (quaystream_dead_letters_unrelayed)", "{{topic}}"),),
    "short",
    "DeadLettersUnrelayed",
    "Kept in the database, to be copied.",
)
FOLDS = lines(
    "Facts behind",
    (Promql("max(quaystream_refold_age_seconds)", "oldest mark"),),
    "s",
    "RefoldLate",
    "How long the oldest raw row has waited for its facts.",
    steps=worse_above(60, 900),
)
BACKFILL = lines(
    "History beside live",
    (
        Promql(f"sum(rate(quaystream_backfill_records_total[{RATE}])) or vector(0)", "stored"),
        Promql("max(quaystream_backfill_rate)", "allowed"),
    ),
    "recps",
    "LagNearsRetention",
    "Records of history a second, and what the worker may take at most.",
)
BOARD = Dashboard(
    uid="quaystream-pipeline",
    title="Pipeline",
    says="From Kafka to the database: how much, how far behind, how fresh, and what is refused.",
    since="now-1h",
    rows=(
        Row("Now", NOW),
        Row("How much", (OUTCOMES, DOMAINS, REASONS)),
        Row("How far behind", (LAG_RECORDS, LAG_SECONDS, FRESHNESS)),
        Row("Transactions", (AGE, COMMITS, ROWS)),
        Row("Trouble, facts, history", (TROUBLE, RELAY, FOLDS, BACKFILL)),
    ),
)
