"""A worker that stands still for longer than its session, and wakes up when others own its partitions."""

import psycopg
import pytest

from deploy.local.stack import Stack
from tests.support.events import numbered, structured
from tests.support.stream import streaming
from tests.support.system import System
from tests.support.waiting import wait_until

SETTINGS = {"session_timeout": "3s", "batch_rows": 200}
FENCED = "quaystream_fenced_total"
OWNERS = "SELECT DISTINCT owner FROM ingest.partition_offset WHERE topic = 'crane-events'"
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
# The table's lock is free again, the server waits for the rest of the rows.
OPEN = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = 'quaystream_worker'
AND query ILIKE 'copy%crane_sample%' AND wait_event = 'ClientRead'
"""

pytestmark = pytest.mark.timeout(200)


def owners(system: System) -> set[str]:
    """The process ids that claimed the crane partitions last."""
    return {str(owner).rpartition("/")[2] for (owner,) in system.database.rows(OWNERS)}


def test_a_worker_frozen_past_its_session_writes_nothing_when_it_wakes(system: System) -> None:
    frozen = system.workers.ready(**SETTINGS)
    with streaming(system.broker, 3_000) as stream:
        system.await_outcomes(1_000)
        frozen.freeze()
        other = system.workers.ready(**SETTINGS)
        wait_until(lambda: owners(system) == {str(other.pid)}, 40, "the other has all partitions")
        goal = stream.sent
        system.await_outcomes(goal, 40)
        frozen.thaw()
        wait_until(lambda: owners(system) == {str(other.pid), str(frozen.pid)}, 40, "they share the partitions")
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate")) == (stream.sent, 0)
    assert frozen.is_running()
    assert other.is_running()
    assert frozen.stop() == 0
    assert other.stop() == 0


def test_a_transaction_that_was_under_way_when_its_worker_froze_is_not_repeated(system: System, stack: Stack) -> None:
    frozen = system.workers.ready(**SETTINGS)
    with psycopg.connect(system.database.owner_dsn) as lock:
        lock.execute("LOCK TABLE port.crane_sample IN ACCESS EXCLUSIVE MODE")
        placed = system.send(*(structured(numbered(n)).to(0) for n in range(1, 1_001)))
        wait_until(lambda: system.database.value(BLOCKED) == 1, 20, "a transaction waits for the table")
        frozen.freeze()
    # Its transaction now waits for a client that says nothing; the server, or a network that broke, ends it.
    ((pid,),) = wait_until(lambda: system.database.rows(OPEN), 20, "its transaction is open")
    with psycopg.connect(stack.superuser_url(), autocommit=True) as superuser:
        superuser.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    other = system.workers.ready(**SETTINGS)
    system.await_outcomes(len(placed), 40)
    frozen.thaw()
    wait_until(lambda: owners(system) == {str(other.pid), str(frozen.pid)}, 40, "they share the partitions")
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate")) == (1_000, 0)
    assert frozen.is_running()
    assert other.is_running()


def test_a_transaction_that_meets_a_newer_claim_writes_nothing(system: System) -> None:
    first = system.workers.ready(**SETTINGS)
    with psycopg.connect(system.database.owner_dsn) as claim:
        # As another worker claims, while the transaction of the first waits for these rows.
        claim.execute("UPDATE ingest.partition_offset SET epoch = epoch + 1, owner = 'another' WHERE partition = 0")
        system.send(*(structured(numbered(n)).to(0) for n in range(1, 101)))
        wait_until(lambda: system.database.value(BLOCKED) == 1, 20, "a transaction waits for its fence")
    wait_until(lambda: first.metric(FENCED, topic="crane-events") == 1, 20, "the worker is fenced")
    assert system.database.total("port.crane_sample") == 0
    assert first.is_running()
    # It has let go of the partition; whoever is assigned it next goes on.
    system.workers.ready(**SETTINGS)
    assert system.verified().total("accepted") == 100


def test_an_open_transaction_of_a_frozen_worker_does_not_hold_its_partitions_for_long(system: System) -> None:
    frozen = system.workers.ready(**SETTINGS)
    with psycopg.connect(system.database.owner_dsn) as lock:
        lock.execute("LOCK TABLE port.crane_sample IN ACCESS EXCLUSIVE MODE")
        placed = system.send(*(structured(numbered(n)).to(0) for n in range(1, 1_001)))
        wait_until(lambda: system.database.value(BLOCKED) == 1, 20, "a transaction waits for the table")
        frozen.freeze()
    wait_until(lambda: system.database.rows(OPEN), 20, "its transaction is open")
    system.workers.start(**SETTINGS)
    system.await_outcomes(len(placed), 60)
    assert system.verified().total("accepted") == 1_000
