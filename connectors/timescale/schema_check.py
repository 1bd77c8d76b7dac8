"""The start-up check: does the database hold every table and column that this version writes?

Reads catalogues only, so any role that can connect may run it.
"""

from collections.abc import Iterator

import asyncpg

from connectors.timescale.connection import NOT_MIGRATED
from schemas.errors import ConfigurationError
from schemas.facts import FACT_TABLES
from schemas.tables import RAW_TABLES, ROLLUPS

LEDGER_COLUMNS: dict[str, tuple[str, ...]] = {
    "ingest.partition_offset": (
        *("consumer_group", "topic", "partition", "first_offset", "next_offset", "epoch", "owner"),
        *("accepted", "duplicate", "rejected", "missing", "updated_at"),
    ),
    "ingest.dead_letter": (
        *("received_at", "topic", "partition", "record_offset", "reason", "detail", "key", "headers", "payload"),
        *("relayed_at", "replayed_at", "source", "event_id", "bootid", "subject", "type", "sequence"),
    ),
    "ingest.lost_range": (*("consumer_group", "topic", "partition", "from_offset", "to_offset", "kind", "noticed_at"),),
    "ingest.partition_pause": ("consumer_group", "topic", "partition", "paused_at", "detail", "resumed_at"),
    "ingest.sequence_stream": (
        *("stream_id", "source", "bootid", "subject", "type", "intervals", "pruned_below", "version", "updated_at"),
    ),
    "ingest.sequence_gap": (
        *("stream_id", "source", "bootid", "subject", "type"),
        *("from_sequence", "to_sequence", "noticed_at", "filled_at"),
    ),
    "ingest.source_tally": ("source", "domain", "accepted", "duplicate"),
    "ingest.retired": ("table_name", "from_time", "to_time", "rows", "records", "retired_at"),
    "ingest.setting": ("name", "value", "updated_at"),
    "ingest.raw_table": ("table_name", "topic"),
    "ingest.stale_hour": ("table_name", "bucket"),
    "ingest.deferred_minutes": ("id", "table_name", "buckets", "deltas", "payload"),
    "ingest.stale_sla": ("bucket", "marked_at"),
    "ingest.refold": ("id", "kind", "key", "from_time", "to_time", "reason", "marked_at"),
    "ingest.refold_failure": ("kind", "key", "failures", "detail", "failed_at", "retry_at"),
    "ingest.refold_due": ("kind", "key", "part", "site", "since", "due_at"),
    "ingest.site_clock": ("site", "newest"),
    "ingest.cell_clock": ("site", "newest"),
    "kpi.sla_profile": ("profile", "version", "title", "source", "since", "target", "asks", "digest"),
    "port.sla_minute": (
        *(
            "bucket",
            "device_id",
            "site",
            "profile",
            "version",
            "samples",
            "good",
            "bad",
            "outage_s",
            "state",
            "judged_at",
        ),
    ),
    "kpi.restatement": (*("kind", "site", "key", "old", "new", "old_recorded_at", "revision", "changed_at", "reason"),),
    "kpi.stale_hour": ("kind", "bucket"),
    "kpi.sla_hour": ("bucket", "site", "device_id", "profile", "version", "good", "bad", "outage_s"),
    "kpi.stale_stream": ("domain", "bucket"),
    "kpi.stream_hour": (
        *("bucket", "site", "domain", "type", "asset", "source", "bootid", "received", "unnumbered", "first", "last"),
        *("first_at", "last_at"),
    ),
    "kpi.effect_stored": (
        *("site", "kpi_id", "kpi_version", "part", "since_at", "until_at", "method", "baseline", "baseline_n", "value"),
        *("n", "difference", "difference_low", "difference_high", "ratio", "ratio_low", "ratio_high", "completeness"),
        *("provisional", "stored_at"),
    ),
    "kpi.cell_counter": ("name", "is_mean"),
    "kpi.cell_hour": (
        *("bucket", "site", "cell_id", "object", "part", "figure"),
        *("n", "total", "largest", "weighted", "weight", "seconds"),
    ),
    "kpi.radio_hour": (
        *("bucket", "site", "device_id", "serving_cell", "readings", "rsrp_n", "rsrp_dbm", "sinr_n", "sinr_db"),
        *("rtt_n", "rtt_ms", "rtt_ms_sq", "rtt_max_ms", "rtt_in_30_ms", "handovers", "newest"),
    ),
    "port.site": ("site_id", "name", "utc_offset", "shifts"),
    "port.asset": ("asset_id", "site_id", "kind", "name", "gateways", "declared", "type", "lanes", "carried_by"),
}
_COLUMNS = """
SELECT n.nspname || '.' || c.relname AS table_name, a.attname AS column_name
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('port', 'ingest', 'kpi') AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
_HYPERTABLES = "SELECT hypertable_schema || '.' || hypertable_name FROM timescaledb_information.hypertables"
_HAS_TIMESCALEDB = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"


async def check_schema(connection: asyncpg.Connection) -> None:
    """Raises ConfigurationError when the database is not migrated to what this version needs."""
    missing = await find_missing(connection)
    if missing:
        raise ConfigurationError(f"{NOT_MIGRATED} (missing: {_shortened(missing)})")


async def find_missing(connection: asyncpg.Connection) -> list[str]:
    """`schema.table.column`, and `hypertable schema.table`, that should exist and do not."""
    if not await connection.fetchval(_HAS_TIMESCALEDB):
        return ["extension timescaledb"]
    columns = {(row["table_name"], row["column_name"]) for row in await connection.fetch(_COLUMNS)}
    hypertables = {row[0] for row in await connection.fetch(_HYPERTABLES)}
    missing = [f"{table}.{column}" for table, column in _expected_columns() if (table, column) not in columns]
    return missing + [f"hypertable {table}" for table in expected_hypertables() if table not in hypertables]


def expected_hypertables() -> tuple[str, ...]:
    """Raw tables, rollups of both sizes, judged minutes, and the dead letters."""
    rollups = (name for rollup in ROLLUPS for name in (rollup.minute, rollup.hour))
    return (*(table.name for table in RAW_TABLES), *rollups, "port.sla_minute", "ingest.dead_letter")


def _expected_columns() -> Iterator[tuple[str, str]]:
    for table in RAW_TABLES:
        yield from ((table.name, name) for name in table.column_names)
    for rollup in ROLLUPS:
        names = ("bucket", *rollup.key, *(measure.column for measure in rollup.measures))
        yield from ((table, name) for table in (rollup.minute, rollup.hour) for name in names)
    for fact_table in FACT_TABLES:
        names = (*fact_table.column_names, "revision", "recorded_at")
        yield from ((fact_table.name, name) for name in names)
    for ledger_table, ledger_names in LEDGER_COLUMNS.items():
        yield from ((ledger_table, name) for name in ledger_names)


def _shortened(names: list[str], shown: int = 3) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
