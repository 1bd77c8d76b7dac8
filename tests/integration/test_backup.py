"""A backup, work that goes on, a disaster: the database goes back to a moment, the worker reads the rest from Kafka again.

And a restore that silently made plain tables of hypertables is found before a worker writes into it.
"""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from deploy.local.backups import Backups
from deploy.local.home import Home, write_private
from deploy.local.stack import Stack
from deploy.local.timescaledb import TimescaleDB
from schemas.errors import ConfigurationError
from tests.support.databases import Database
from tests.support.events import Message, numbered, structured
from tests.support.system import System

STORED = "SELECT count(*) FROM port.crane_sample"


def messages(first: int, last: int) -> list[Message]:
    return [structured(numbered(n)).to(n % 2) for n in range(first, last + 1)]


def now(database: Database) -> datetime:
    """The database's own clock, by which it is told where to stop."""
    moment: datetime = database.value("SELECT clock_timestamp()")
    return moment


@pytest.mark.timeout(300)
def test_after_a_restore_nothing_is_missing_and_nothing_counts_twice(stack: Stack, system: System) -> None:
    backups = Backups(stack)
    worker = system.workers.ready()
    system.send(*messages(1, 300))
    system.await_outcomes(300)
    made = backups.create()
    system.send(*messages(301, 500))
    system.await_outcomes(500)
    moment = now(system.database)
    system.send(*messages(501, 700))
    system.await_outcomes(700)
    assert worker.stop() == 0

    _refuses_what_cannot_be(backups)
    done = backups.restore(to=moment)
    assert done.backup == made
    assert done.replaced is not None
    # As it was then, whole: what was stored later is gone with its outcomes.
    assert (system.outcomes(), system.database.value(STORED)) == (500, 500)
    told = system.command("verify", "--json")
    assert told.returncode == 0, told.stdout + told.stderr

    _finds_a_restore_that_made_plain_tables(stack, system)
    system.send(*messages(701, 800))
    system.workers.ready()
    ledger = system.verified()
    counts = {outcome: ledger.total(outcome) for outcome in ("accepted", "duplicate", "rejected", "missing")}
    assert counts == {"accepted": 800, "duplicate": 0, "rejected": 0, "missing": 0}
    assert system.database.value("SELECT count(DISTINCT event_id) FROM port.crane_sample") == 800


def _refuses_what_cannot_be(backups: Backups) -> None:
    """The data stays as it is when a restore is not possible."""
    with pytest.raises(ConfigurationError, match="no such backup"):
        backups.restore(to=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(ConfigurationError, match="no such backup"):
        backups.restore("20200101T000000Z")
    # The log ends before that moment: the server says so, ends, and the data before is put back.
    with pytest.raises(ConfigurationError, match="the data is as it was: recovery ended before"):
        backups.restore(to=datetime.now(UTC) + timedelta(days=1))


def _finds_a_restore_that_made_plain_tables(stack: Stack, system: System) -> None:
    """What `pg_dump` of the schemas alone gives: TimescaleDB's catalogue is not in it, and nobody complains."""
    with psycopg.connect(stack.superuser_url("postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE plain OWNER quaystream_owner")
    try:
        with psycopg.connect(stack.superuser_url("plain"), autocommit=True) as database:
            database.execute("CREATE EXTENSION timescaledb")
        _dump_and_load(stack, system.database.name, "plain")
        with psycopg.connect(stack.superuser_url("plain"), autocommit=True) as database:
            assert database.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'port'").fetchone() > (20,)
            assert database.execute("SELECT count(*) FROM timescaledb_information.hypertables").fetchone() == (0,)
        worker_url = system.database.worker_dsn.replace(system.database.name, "plain")
        done = system.command("worker", database_url=worker_url)
        assert done.returncode == 2, done.stderr
        assert "plain tables where hypertables must be: port." in done.stderr
        assert len(done.stderr.splitlines()) == 1
    finally:
        with psycopg.connect(stack.superuser_url("postgres"), autocommit=True) as server:
            server.execute("DROP DATABASE plain WITH (FORCE)")


def _dump_and_load(stack: Stack, name: str, into: str) -> None:
    home = Home(stack.home.absolute())
    server = TimescaleDB(home, int(psycopg.conninfo.conninfo_to_dict(stack.superuser_url())["port"]))
    passfile, dump = (home.data("timescaledb") / name for name in ("test-pgpass", "dump.sql"))
    write_private(passfile, f"*:*:*:postgres:{home.secret('superuser')}")
    server.give_to_server(passfile)
    place = f"host=127.0.0.1 port={server.port} user=postgres passfile={server.seen(passfile)}"
    try:
        schemas = [f"--schema={schema}" for schema in ("port", "ingest", "kpi")]
        _run(server.as_server("pg_dump", "-d", f"{place} dbname={name}", *schemas), dump)
        _run(server.as_server("psql", "-q", "-d", f"{place} dbname={into}", "-f", server.seen(dump)), Path("/dev/null"))
    finally:
        for file in (passfile, dump):
            file.unlink(missing_ok=True)


def _run(command: list[str], output: Path) -> None:
    with output.open("wb") as file:
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=True, timeout=120)


def test_a_backup_needs_a_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no database"):
        Backups(Stack(tmp_path))
