"""Where a worker continues is decided by the database; Kafka's own commit is a figure for lag tools."""

import json
import time

import pytest

from tests.support.events import Message, numbered, structured
from tests.support.stream import streaming
from tests.support.system import System
from tests.support.waiting import wait_until

TOPIC = "crane-events"
PLACE = (TOPIC, 0)


def messages(first: int, last: int) -> list[Message]:
    """Numbered events of one stream, all in partition 0."""
    return [structured(numbered(n)).to(0) for n in range(first, last + 1)]


def test_sigterm_drains_and_the_next_start_goes_on(system: System) -> None:
    worker = system.workers.ready()
    system.send(*messages(1, 2_000))
    started = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - started < 10
    stored = system.database.total("port.crane_sample")
    assert "Traceback" not in worker.log()
    system.send(*messages(2_001, 2_100))
    system.workers.ready()
    ledger = system.verified()
    assert stored <= 2_000
    assert (ledger.total("accepted"), ledger.total("duplicate")) == (2_100, 0)


@pytest.mark.parametrize("committed", [0, 40, 100, 150], ids=["at the start", "behind", "equal", "ahead"])
def test_the_database_decides_whatever_kafka_has_committed(system: System, committed: int) -> None:
    worker = system.workers.ready()
    first, _ = system.broker.offsets(*PLACE)
    system.send(*messages(1, 100))
    system.await_outcomes(100)
    assert worker.stop() == 0
    system.send(*messages(101, 160))
    system.broker.commit(system.group, {PLACE: first + committed})
    system.workers.ready()
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate"), ledger.total("missing")) == (160, 0, 0)


def test_kafka_is_told_where_the_database_is(system: System) -> None:
    worker = system.workers.ready()
    system.send(*messages(1, 100))
    system.await_outcomes(100)
    _, end = system.broker.offsets(*PLACE)
    wait_until(lambda: system.broker.committed(system.group, *PLACE) == end, 15, "the group's commit follows")
    assert worker.stop() == 0


def test_until_caught_up_ends_by_itself(system: System) -> None:
    system.send(*messages(1, 500))
    worker = system.workers.start("--until-caught-up")
    assert worker.ended(40) == 0
    assert system.verified().total("accepted") == 500


def test_two_processes_share_the_partitions(system: System) -> None:
    parent = system.workers.start("--processes", "2", web_port=None)
    system.send(*(structured(numbered(n)).to(n % 2) for n in range(1, 401)))
    assert system.verified().total("accepted") == 400
    owners = "SELECT count(DISTINCT owner) FROM ingest.partition_offset"
    wait_until(lambda: system.database.value(owners) == 2, 30, "both have claimed some")
    assert parent.stop() == 0


def test_the_ledger_adds_up_at_every_moment(system: System) -> None:
    system.workers.ready(batch_rows=200)
    with streaming(system.broker, 2_000) as stream:
        for round_number in range(1, 5):
            system.await_outcomes(round_number * 1_000)
            done = system.command("verify", "--json")
            assert json.loads(done.stdout)["differences"] == []
            assert done.returncode == 0
    assert system.verified().total("accepted") == stream.sent
