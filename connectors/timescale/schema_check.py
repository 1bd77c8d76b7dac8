"""The start-up check: does the database hold what this version needs, as it needs it, and nothing that forbids it?

Tables and columns, hypertables, the keys that upserts meet, days, and on the Timescale-licensed edition the policies. What
is wrong has one of four reasons, each another line: never migrated, older, damaged (as by a restore), too new.
"""

from collections.abc import Iterator, Mapping, Sequence

import asyncpg
import structlog

from connectors.timescale import schema_changes
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
    "ingest.schema_change": ("id", "kind", "noticed_at"),
    "ingest.stale_hour": ("table_name", "bucket"),
    "ingest.written_hour": ("table_name", "bucket"),
    "ingest.unverified": ("table_name", "bucket", "version"),
    "ingest.verified": ("table_name", "bucket", "rows", "records", "digest", "verified_at"),
    "ingest.verified_day": ("name", "day", "verified_at"),
    "ingest.verification": (
        *("scope", "known_since", "started_at", "finished_at", "succeeded_at", "seconds", "hours", "rows"),
        *("left_out", "differences", "found"),
    ),
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
    "port.gateway": ("source",),
    "port.onboarded": ("site_id",),
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
# Minutes and hours are added to by ON CONFLICT: without their key every transaction fails.
_KEYED = """
SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'port' AND i.indisunique AND i.indisvalid
"""
_VIEWS = "SELECT schemaname || '.' || viewname FROM pg_views WHERE schemaname = 'port'"
_AGGREGATES = "SELECT view_schema || '.' || view_name FROM timescaledb_information.continuous_aggregates"
_POLICIES = """
SELECT proc_name || ' ' || coalesce(hypertable_schema || '.' || hypertable_name, '') FROM timescaledb_information.jobs
"""
log = structlog.get_logger()


async def check_schema(connection: asyncpg.Connection) -> None:
    """Raises ConfigurationError, one line that says why and what to do, when this version cannot work with the database.

    A database that a newer version has only added to is worked with, and said in the log.
    """
    missing = await find_missing(connection)
    recorded = await _recorded(connection)
    if missing or schema_changes.needed() - set(recorded):
        raise ConfigurationError(_why(missing, recorded))
    foreign = schema_changes.refuse_foreign(recorded)
    if foreign:
        log.info("the database has changes of a newer version, and all that this one needs", changes=list(foreign))


async def find_missing(connection: asyncpg.Connection) -> list[str]:
    """`schema.table.column`, `hypertable schema.table`, `key of …`, `days …`, `policy …` that should exist and do not."""
    if not await connection.fetchval(_HAS_TIMESCALEDB):
        return ["extension timescaledb"]
    columns = {(row["table_name"], row["column_name"]) for row in await connection.fetch(_COLUMNS)}
    missing = [f"{table}.{column}" for table, column in expected_columns() if (table, column) not in columns]
    expected = [
        ("hypertable", expected_hypertables(), _HYPERTABLES),
        ("key of", _rollup_tables(), _KEYED),
        ("days", expected_days(), _VIEWS),
    ]
    if await connection.fetchval("SHOW timescaledb.license") == "timescale":
        expected += [
            ("continuous aggregate", expected_days(), _AGGREGATES),
            ("policy", expected_policies(), _POLICIES),
        ]
    for what, names, query in expected:
        found = {row[0].strip() for row in await connection.fetch(query)}
        missing += [f"{what} {name}" for name in names if name not in found]
    return missing


async def _recorded(connection: asyncpg.Connection) -> dict[str, str]:
    if await connection.fetchval("SELECT to_regclass('ingest.schema_change')") is None:
        return {}
    return {row["id"]: row["kind"] for row in await connection.fetch(schema_changes.READ)}


def _why(missing: Sequence[str], recorded: Mapping[str, str]) -> str:
    behind = sorted(schema_changes.needed() - set(recorded))
    if "ingest.partition_offset.next_offset" in missing or missing == ["extension timescaledb"]:
        return f"{NOT_MIGRATED} (missing: {_shortened(missing)})"
    if behind:
        lacks = _shortened([*missing, *(f"migration {name}" for name in behind)])
        return f"the database is older than this version: run `quaystream migrate` (missing: {lacks})"
    plain = [name.removeprefix("hypertable ") for name in missing if name.startswith("hypertable ")]
    what = (
        f"plain tables where hypertables must be: {_shortened(plain)}" if plain else f"missing: {_shortened(missing)}"
    )
    return f"the database is damaged, as a restore leaves it that was not whole ({what}): see docs/how-to/backup.md"


def expected_hypertables() -> tuple[str, ...]:
    """Raw tables, rollups of both sizes, judged minutes, and the dead letters."""
    return (*(table.name for table in RAW_TABLES), *_rollup_tables(), "port.sla_minute", "ingest.dead_letter")


def expected_days() -> tuple[str, ...]:
    """Views on both editions; those of the Timescale-licensed one are kept as rows."""
    return tuple(rollup.hour.replace("_hour", "_day") for rollup in ROLLUPS)


def expected_policies() -> tuple[str, ...]:
    """The jobs of the Timescale-licensed edition, `procedure table`: compression, and our retention, which has no table."""
    return (*(f"policy_compression {table.name}" for table in RAW_TABLES), "retire_due")


def _rollup_tables() -> tuple[str, ...]:
    return tuple(name for rollup in ROLLUPS for name in (rollup.minute, rollup.hour))


def expected_columns() -> Iterator[tuple[str, str]]:
    """Every table and column that this version reads or writes."""
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


def _shortened(names: Sequence[str], shown: int = 3) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
