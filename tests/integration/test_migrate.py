"""The schema that migrations make is the one that schemas/tables.py declares, and its doors are where they should be."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import psycopg
import pytest

from connectors.timescale import migrate as migration
from connectors.timescale.connection import connection_to
from connectors.timescale.contraction import released
from connectors.timescale.extract import personal_columns
from connectors.timescale.migrate import migrate, read_migrations
from connectors.timescale.row_check import TOPIC_TABLES
from connectors.timescale.schema_check import check_schema, expected_hypertables
from schemas.errors import ConfigurationError, ServiceUnreachableError
from schemas.facts import DERIVED_TABLES, FACT_TABLES
from schemas.reference import load_sites
from schemas.tables import RAW_TABLES, ROLLUPS, Rollup

SQL_TYPES = {
    "time": "timestamp with time zone",
    "text": "text",
    "float": "double precision",
    "int": "bigint",
    "smallint": "smallint",
    "bool": "boolean",
    "jsonb": "jsonb",
}
CORE_IDS = [migration.id for migration in read_migrations("apache")]


def ask(dsn: str, query: str, *arguments: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query, arguments).fetchall()


def columns_of(dsn: str, table: str) -> list[tuple[str, str, bool]]:
    """Name, SQL type and NOT NULL of each column, in order."""
    return ask(
        dsn,
        "SELECT attname, format_type(atttypid, NULL), attnotnull FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        table,
    )


def rollup_columns(rollup: Rollup) -> Iterator[tuple[str, str, bool]]:
    fields = {column.name: column for name in rollup.contributions for column in raw(name).columns}
    yield "bucket", SQL_TYPES["time"], True
    for name in rollup.key:
        yield name, SQL_TYPES[fields[name].kind], True
    for measure in rollup.measures:
        if measure.how in ("min", "max"):
            assert measure.field is not None
            yield measure.column, SQL_TYPES[fields[measure.field].kind], False
        else:
            yield measure.column, "double precision" if measure.how == "sum" else "bigint", True


def raw(name: str) -> Any:
    return next(table for table in RAW_TABLES if table.name == name)


def test_raw_tables_have_the_declared_columns(database: Any) -> None:
    for table in RAW_TABLES:
        declared = [(column.name, SQL_TYPES[column.kind], column.required) for column in table.columns]
        # A column that came later stands after `extra` in the database: rows are copied by name.
        assert sorted(columns_of(database.owner_dsn, table.name)) == sorted(declared), table.name


def test_rollups_have_the_declared_columns_and_start_from_zero(database: Any) -> None:
    for rollup in ROLLUPS:
        for table in (rollup.minute, rollup.hour):
            assert columns_of(database.owner_dsn, table) == list(rollup_columns(rollup)), table
            key = ", ".join(rollup.key)
            values = ", ".join("'{}'::jsonb" if name == "labels" else "'x'" for name in rollup.key)
            added = [m.column for m in rollup.measures if m.how in ("rows", "count", "sum")]
            (row,) = ask(
                database.owner_dsn,
                f"INSERT INTO {table} (bucket, {key}) VALUES (now(), {values}) RETURNING {', '.join(added)}",
            )
            assert set(row) == {0}, table


def test_fact_tables_have_the_declared_columns_and_their_revision(database: Any) -> None:
    for table in (*FACT_TABLES, *DERIVED_TABLES):
        declared = [(column.name, SQL_TYPES[column.kind], column.required) for column in table.columns]
        kept = [("revision", "bigint", True), ("recorded_at", SQL_TYPES["time"], True)]
        assert columns_of(database.owner_dsn, table.name) == [*declared, *kept], table.name
        ((key,),) = ask(
            database.owner_dsn,
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'",
            table.name,
        )
        assert key == f"PRIMARY KEY (site, {table.key})"


def test_the_reader_asks_for_facts_as_they_were_known(database: Any) -> None:
    for table in (*FACT_TABLES, *DERIVED_TABLES):
        assert ask(database.reader_dsn, f"SELECT * FROM kpi.{table.kind}_as_known(now())") == []


def test_each_day_view_adds_up_the_hours(database: Any) -> None:
    for rollup in ROLLUPS:
        day = rollup.hour.replace("_hour", "_day")
        declared = [(name, kind) for name, kind, _ in rollup_columns(rollup)]
        assert [(name, kind) for name, kind, _ in columns_of(database.owner_dsn, day)] == declared


BY_KEY = {
    "port.cell_alarm_event": '(cell_id, alarm_id, "time" DESC)',
    "port.gate_step": "(site, visit_id)",
    "port.ocr_read": "(site, visit_id)",
    "port.cargo_milestone": "(site, equipment_reference)",
    "port.vessel_milestone": "(site, call_id)",
}
"""Rows of these come seldom and are read by what they belong to."""
BY_TIME = {"port.cell_measurement", "port.radio_sample"}
"""An hour of all assets is read from these (kpi.cell_hours): a block range index is a few pages and costs no writes."""


def test_hypertables_have_their_chunk_widths_and_no_index_too_many(database: Any) -> None:
    widths = dict(
        ask(
            database.owner_dsn,
            "SELECT hypertable_schema || '.' || hypertable_name, extract(epoch FROM time_interval)::int / 86400 "
            "FROM timescaledb_information.dimensions",
        )
    )
    raw_names = {table.name for table in RAW_TABLES}
    assert widths == {name: 1 if name in raw_names else 7 for name in expected_hypertables()}
    for table in RAW_TABLES:
        indexes = ask(
            database.owner_dsn,
            "SELECT indisunique, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass",
            table.name,
        )
        expected = {f'({table.asset}, "time" DESC)', *filter(None, [BY_KEY.get(table.name)])}
        ranges = [definition for _, definition in indexes if " brin (" in definition]
        assert len(ranges) == (table.name in BY_TIME), table.name
        trees = {definition.partition(" btree ")[2] for _, definition in indexes if definition not in ranges}
        assert trees == expected, table.name
        assert not any(unique for unique, _ in indexes)


def test_a_rollup_row_is_unique_by_asset_first_and_bucket_last(database: Any) -> None:
    for rollup in ROLLUPS:
        for table in (rollup.minute, rollup.hour):
            ((definition,),) = ask(
                database.owner_dsn,
                "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass AND indisunique",
                table,
            )
            key = ", ".join(name for name in (*rollup.key, "bucket") if name != "site")
            assert definition.endswith(f"({key})")


def test_every_raw_table_is_registered_under_its_topic(database: Any) -> None:
    declared = {(table.name, topic) for topic, tables in TOPIC_TABLES.items() for table in tables}
    assert set(ask(database.owner_dsn, "SELECT table_name, topic FROM ingest.raw_table")) == declared


def test_migrating_twice_applies_nothing(empty_database: Any) -> None:
    assert migrate(empty_database.owner_dsn) == CORE_IDS
    assert migrate(empty_database.owner_dsn) == []


def test_two_migrations_at_once_apply_each_step_once(empty_database: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        applied = list(pool.map(migrate, [empty_database.owner_dsn] * 2))
    assert sorted(applied, key=len) == [[], CORE_IDS]


def test_the_lock_of_a_killed_migration_does_not_block_the_next(database: Any) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("INSERT INTO public.yoyo_lock (locked, ctime, pid) VALUES (1, now(), 4242)")
    assert migrate(database.owner_dsn) == []


def test_only_the_owner_migrates(empty_database: Any) -> None:
    with pytest.raises(ConfigurationError, match="quaystream_owner"):
        migrate(empty_database.worker_dsn)


def test_a_server_without_our_roles_is_refused(empty_database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "ROLES", (*migration.ROLES, "quaystream_nobody"))
    with pytest.raises(ConfigurationError, match="no role quaystream_nobody"):
        migrate(empty_database.owner_dsn)


def test_a_wrong_password_is_a_configuration_error(empty_database: Any) -> None:
    head, _, tail = empty_database.owner_dsn.rpartition("@")
    with pytest.raises(ConfigurationError, match="refuses the login"):
        migrate(f"{head}wrong@{tail}")


def test_a_database_that_is_not_there_is_unreachable(empty_database: Any, unused_port: int) -> None:
    head, _, tail = empty_database.owner_dsn.rpartition("@")
    with pytest.raises(ServiceUnreachableError, match=f"127.0.0.1:{unused_port}"):
        migrate(f"{head}@127.0.0.1:{unused_port}/{tail.partition('/')[2]}")


@pytest.fixture
def unused_port() -> Iterator[int]:
    import socket

    with socket.socket() as bound:
        # Bound and never listening: a connection is refused for as long as the test runs.
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_declared_assets_are_there_and_an_undeclared_one_becomes_declared(database: Any) -> None:
    declared = {asset.asset_id for site in load_sites() for asset in site.assets}
    assert {row[0] for row in ask(database.owner_dsn, "SELECT asset_id FROM port.asset")} == declared
    one = min(declared)
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("UPDATE port.asset SET declared = false, name = '' WHERE asset_id = %s", (one,))
    migrate(database.owner_dsn)
    ((is_declared, name),) = ask(database.owner_dsn, "SELECT declared, name FROM port.asset WHERE asset_id = %s", one)
    assert is_declared
    assert name


REFUSED = [
    ("worker_dsn", "CREATE TABLE port.mine (a int)"),
    ("worker_dsn", "DROP TABLE port.site"),
    ("worker_dsn", "ALTER TABLE port.gate_step ADD COLUMN a int"),
    ("worker_dsn", "DELETE FROM port.crane_sample"),
    ("worker_dsn", "UPDATE port.crane_sample SET load_t = 0"),
    ("worker_dsn", "DELETE FROM ingest.partition_offset"),
    ("worker_dsn", "UPDATE ingest.dead_letter SET reason = 'x'"),
    ("worker_dsn", "INSERT INTO ingest.retired (table_name, from_time, to_time, rows) VALUES ('x', now(), now(), 1)"),
    ("worker_dsn", "SELECT drop_chunks('port.crane_sample', now())"),
    ("reader_dsn", "SELECT payload FROM ingest.dead_letter"),
    ("reader_dsn", "SELECT headers FROM ingest.dead_letter"),
    ("reader_dsn", "SELECT ingest.retire('port.crane_sample', now())"),
    ("reader_dsn", "INSERT INTO port.site (site_id, name, utc_offset) VALUES ('x', 'x', '0')"),
]


@pytest.mark.parametrize(("role", "statement"), REFUSED)
def test_what_a_role_may_not_do_is_refused(database: Any, role: str, statement: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
        ask(getattr(database, role), statement)


@pytest.mark.parametrize("role", ["worker_dsn", "reader_dsn"])
def test_personal_columns_are_read_by_nobody_but_the_owner(database: Any, role: str) -> None:
    hidden = {
        (table.name, column)
        for table in RAW_TABLES
        for column in table.column_names
        if not ask(getattr(database, role), "SELECT has_column_privilege(%s, %s, 'SELECT')", table.name, column)[0][0]
    }
    personal = {(table.name, column) for table in RAW_TABLES for column in personal_columns(table.name)}
    assert hidden == personal
    assert ("port.gate_step", "truck_plate") in personal


@pytest.mark.asyncio
async def test_the_start_up_check_passes_for_the_worker(database: Any) -> None:
    async with connection_to(database.worker_dsn) as connection:
        await check_schema(connection)
        assert await connection.fetchval("SELECT count(*) FROM port.site") == len(load_sites())


@pytest.mark.asyncio
async def test_the_start_up_check_names_the_command_to_run(empty_database: Any) -> None:
    async with connection_to(empty_database.worker_dsn) as connection:
        with pytest.raises(ConfigurationError, match="database is not migrated: run `quaystream migrate`"):
            await check_schema(connection)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        ("ALTER TABLE port.crane_sample DROP COLUMN power_kw", "port.crane_sample.power_kw"),
        ("DROP TABLE ingest.sequence_gap", "ingest.sequence_gap"),
        ("DROP TABLE port.crane_fault; CREATE TABLE port.crane_fault AS TABLE port.crane_job", "port.crane_fault"),
    ],
)
async def test_the_start_up_check_finds_what_is_missing(database: Any, damage: str, missing: str) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(damage)
    await owner.close()
    async with connection_to(database.worker_dsn) as connection:
        with pytest.raises(ConfigurationError, match=missing):
            await check_schema(connection)


PLAIN = "CREATE TABLE port.plain (LIKE port.gate_step); DROP TABLE port.gate_step; ALTER TABLE port.plain RENAME TO gate_step"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "DELETE FROM ingest.schema_change WHERE id = '0042.dead-letter-streams'",
            "older than this version: run `quaystream migrate` (missing: migration 0042.dead-letter-streams)",
        ),
        (
            PLAIN,
            "damaged, as a restore leaves it that was not whole (plain tables where hypertables must be: port.gate_step)",
        ),
        (
            "DROP VIEW port.crane_day",
            "damaged, as a restore leaves it that was not whole (missing: days port.crane_day)",
        ),
        ("DROP INDEX port.gate_minute_key", "(missing: key of port.gate_minute)"),
        (
            "INSERT INTO ingest.schema_change (id, kind) VALUES ('9999.less', 'contract')",
            "a newer quaystream has taken away what this version needs (9999.less): start the newer version",
        ),
    ],
)
async def test_the_start_up_check_says_why_in_one_line(database: Any, change: str, said: str) -> None:
    for statement in change.split("; "):
        ask_nothing(database.owner_dsn, statement)
    async with connection_to(database.worker_dsn) as connection:
        with pytest.raises(ConfigurationError) as refused:
            await check_schema(connection)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.asyncio
async def test_a_database_that_a_newer_version_added_to_is_worked_with(database: Any) -> None:
    ask_nothing(database.owner_dsn, "INSERT INTO ingest.schema_change (id, kind) VALUES ('9998.more', 'expand')")
    async with connection_to(database.worker_dsn) as connection:
        await check_schema(connection)


def test_the_newest_schema_has_every_table_and_column_of_the_released_version(database: Any) -> None:
    columns = ask(
        database.owner_dsn,
        "SELECT table_schema || '.' || table_name || '.' || column_name FROM information_schema.columns",
    )
    there = {name for (name,) in columns} | {name.rpartition(".")[0] for (name,) in columns}
    assert sorted(released() - there) == []


def test_migrate_writes_down_what_the_database_has(database: Any) -> None:
    assert dict(ask(database.owner_dsn, "SELECT id, kind FROM ingest.schema_change")) == dict.fromkeys(
        CORE_IDS, "expand"
    )


def ask_nothing(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())
