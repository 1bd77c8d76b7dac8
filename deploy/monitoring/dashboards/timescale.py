"""The database itself: how large, in how many chunks, how much of it compressed, and which statements are slow."""

from deploy.monitoring.dashboards.panel import (
    METRICS,
    Dashboard,
    Panel,
    Promql,
    Row,
    Sql,
    Step,
    worse_above,
    worse_below,
)

RETENTION = "how-to/retention.md"
LEDGER = "reference/ledger.md"
_TABLES = """
SELECT format('%I.%I', hypertable_schema, hypertable_name) AS name, count(*) AS chunks,
       count(*) FILTER (WHERE is_compressed) AS compressed, min(range_start) AS oldest, max(range_end) AS newest
FROM timescaledb_information.chunks GROUP BY 1
"""


def stat(title: str, query: str, unit: str, says: str, steps: tuple[Step, ...] = ()) -> Panel:
    return Panel(title, "stat", (Sql(query),), unit, RETENTION, "CommitsSlow", says, steps, width=4, height=4)


NUMBERS = (
    stat(
        "Database",
        "SELECT pg_database_size(current_database()) AS bytes",
        "bytes",
        "Everything on disk, indexes included.",
    ),
    stat(
        "Hypertables",
        "SELECT count(*) AS tables FROM timescaledb_information.hypertables",
        "short",
        "Tables in chunks.",
    ),
    stat(
        "Chunks",
        "SELECT count(*) AS chunks FROM timescaledb_information.chunks",
        "short",
        "A query over a year of days locks one each.",
        worse_above(5_000, 20_000),
    ),
    stat(
        "Compressed",
        "SELECT count(*) FILTER (WHERE is_compressed) / nullif(count(*), 0)::float8 AS share FROM timescaledb_information.chunks",
        "percentunit",
        "Share of chunks. Always 0 on the Apache edition, which cannot compress.",
    ),
    stat(
        "Found in memory",
        "SELECT blks_hit / nullif(blks_hit + blks_read, 0)::float8 AS share FROM pg_stat_database WHERE datname = current_database()",
        "percentunit",
        "Share of blocks that were in PostgreSQL's own memory.",
        worse_below(0.9, 0.98),
    ),
    stat(
        "Sessions",
        "SELECT numbackends / current_setting('max_connections')::float8 AS share FROM pg_stat_database WHERE datname = current_database()",
        "percentunit",
        "Of those the server allows: what is left is the headroom for more workers.",
        worse_above(0.6, 0.85),
    ),
)
CHUNKS = Panel(
    title="Hypertables",
    kind="table",
    queries=(
        Sql(f"""
SELECT t.name AS "Table", t.chunks AS "Chunks", t.compressed AS "Compressed", hypertable_approximate_size(t.name::regclass) AS "Size",
       t.oldest AS "From", t.newest AS "To"
FROM ({_TABLES}) AS t ORDER BY 4 DESC NULLS LAST
"""),
    ),
    unit="short",
    means=RETENTION,
    runbook="CommitsSlow",
    says="What each holds and since when. Raw tables lose their oldest chunks by age, rollups stay.",
    units={"Size": "bytes", "From": "dateTimeAsIso", "To": "dateTimeAsIso"},
    width=14,
    height=11,
)
SIZES = Panel(
    title="The largest",
    kind="bars",
    queries=(
        Sql(
            f'SELECT t.name AS "Table", hypertable_approximate_size(t.name::regclass) AS "Size" FROM ({_TABLES}) AS t ORDER BY 2 DESC NULLS LAST LIMIT 10'
        ),
    ),
    unit="bytes",
    means=RETENTION,
    runbook="CommitsSlow",
    says="Size of hypertables with their indexes.",
    width=10,
    height=11,
)
SLOW = Panel(
    title="Statements that took most time",
    kind="table",
    queries=(
        Sql("""
SELECT role AS "Role", left(statement, 120) AS "Statement", calls AS "Calls", mean_s AS "Mean", worst_s AS "Worst", total_s AS "In all", rows AS "Rows"
FROM ingest.slow_statements() ORDER BY total_s DESC LIMIT 25
"""),
    ),
    unit="short",
    means=LEDGER,
    runbook="CommitsSlow",
    says="Since the server's statistics began, of this database, without values. Needs pg_stat_statements.",
    units={"Mean": "s", "Worst": "s", "In all": "s"},
    width=24,
    height=9,
)
VACUUM = Panel(
    title="Rows that wait to be vacuumed",
    kind="table",
    queries=(
        Sql("""
SELECT coalesce(c.hypertable_schema || '.' || c.hypertable_name, s.schemaname || '.' || s.relname) AS "Table",
       sum(s.n_dead_tup) AS "Dead", sum(s.n_live_tup) AS "Live", max(s.last_autovacuum) AS "Last vacuum"
FROM pg_stat_user_tables AS s
LEFT JOIN timescaledb_information.chunks AS c ON c.chunk_schema = s.schemaname AND c.chunk_name = s.relname
WHERE s.schemaname IN ('port', 'ingest', 'kpi', '_timescaledb_internal') GROUP BY 1 ORDER BY 2 DESC LIMIT 15
"""),
    ),
    unit="short",
    means=LEDGER,
    runbook="CommitsSlow",
    says="Rollups and marks are written again and again; vacuum must keep up.",
    units={"Last vacuum": "dateTimeAsIso"},
    width=12,
)
COMMITS = Panel(
    title="Duration of a worker's transaction",
    kind="timeseries",
    queries=tuple(
        Promql(
            f"histogram_quantile({share}, sum by (le) (rate(quaystream_commit_seconds_bucket[$__rate_interval])))", name
        )
        for share, name in ((0.5, "half"), (0.95, "95 of 100"))
    ),
    unit="s",
    means=METRICS,
    runbook="CommitsSlow",
    says="As the workers see the database.",
    steps=worse_above(0.5, 2.5),
    width=12,
)
BOARD = Dashboard(
    uid="quaystream-timescaledb",
    title="TimescaleDB",
    says="How large, in how many chunks, how much of it compressed, and which statements are slow.",
    rows=(
        Row("Now", NUMBERS),
        Row("Chunks", (CHUNKS, SIZES)),
        Row("Statements", (SLOW,)),
        Row("Upkeep", (VACUUM, COMMITS)),
    ),
)
