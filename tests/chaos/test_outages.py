"""The database or the broker goes away while events flow: the worker waits, its memory flat, and catches up alone."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from deploy.local.part import Stop
from deploy.local.stack import Stack
from tests.support.stream import streaming
from tests.support.system import System
from tests.support.waiting import wait_until
from tests.support.worker import Worker

OUTAGE_S = 30.0
RATE_PER_S = 2_000
# One lane's buffers, full: 64 MiB of records, what is fetched ahead of it, and two batches of them decoded.
MOST_GROWTH_BYTES = 250 * 1024 * 1024

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(autouse=True)
def mended(stack: Stack) -> Iterator[None]:
    """Whatever a test has stopped runs again for the next."""
    yield
    stack.up(["kafka", "timescaledb"])


def watch_memory(worker: Worker, seconds: float) -> list[int]:
    """Its resident memory, every half second; it must be alive all the time."""
    seen = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert worker.is_running(), worker.log()[-3000:]
        status, text = worker.page("/livez")
        assert status == 200, text
        seen.append(worker.rss_bytes())
        time.sleep(0.5)
    return seen


@pytest.mark.parametrize(("how", "seconds"), [(Stop.FAST, 5.0), (Stop.KILL, OUTAGE_S)], ids=["stopped", "crashed"])
def test_a_database_outage_is_waited_for(system: System, stack: Stack, how: Stop, seconds: float) -> None:
    worker = system.workers.ready()
    with streaming(system.broker, RATE_PER_S) as stream:
        system.await_outcomes(2_000)
        before = worker.rss_bytes()
        stack.stop("timescaledb", how)
        seen = watch_memory(worker, seconds)
        assert worker.page("/readyz")[0] == 503
        stack.start("timescaledb")
        goal = stream.sent
        system.await_outcomes(goal, 60)
    ledger = system.verified()
    assert ledger.total("accepted") == stream.sent
    assert ledger.total("rejected") == 0
    assert max(seen) - before < MOST_GROWTH_BYTES
    assert worker.metric("quaystream_commit_retries_total") >= 1
    assert "starting over" not in worker.log()
    wait_until(lambda: worker.page("/readyz")[0] == 200, 30, "it is ready again")
    assert worker.stop() == 0


def test_a_broker_outage_is_waited_for(system: System, stack: Stack) -> None:
    worker = system.workers.ready()
    with streaming(system.broker, RATE_PER_S) as stream:
        system.await_outcomes(2_000)
        before = worker.rss_bytes()
        stack.stop("kafka")
        seen = watch_memory(worker, OUTAGE_S)
        stack.start("kafka")
    ledger = system.verified()
    assert ledger.total("accepted") == stream.sent
    assert ledger.total("rejected") == 0
    assert max(seen) - before < MOST_GROWTH_BYTES
    assert worker.is_running()
    assert worker.stop() == 0


def test_a_database_that_is_away_while_partitions_are_assigned_is_waited_for(system: System, stack: Stack) -> None:
    first = system.workers.ready(session_timeout="3s")
    second = system.workers.ready(session_timeout="3s")
    with streaming(system.broker, RATE_PER_S) as stream:
        system.await_outcomes(2_000)
        stack.stop("timescaledb")
        # Its partitions go to the first, which cannot claim them now: longer than it may wait inside an assignment.
        second.kill()
        wait_until(lambda: "starting over" in first.log(), 60, "the first worker starts over")
        stack.start("timescaledb")
        goal = stream.sent
        system.await_outcomes(goal, 90)
    ledger = system.verified()
    assert ledger.total("accepted") == stream.sent
    assert ledger.total("rejected") == 0
    assert first.is_running()


def test_a_worker_asked_to_stop_during_a_database_outage_stops(system: System, stack: Stack) -> None:
    worker = system.workers.ready()
    with streaming(system.broker, RATE_PER_S) as stream:
        system.await_outcomes(2_000)
        stack.stop("timescaledb")
        retried = lambda: worker.metric("quaystream_commit_retries_total") >= 2  # noqa: E731
        wait_until(retried, 20, "a transaction has failed")
        assert worker.stop(20) == 0
    stack.start("timescaledb")
    system.workers.ready()
    assert system.verified().total("accepted") == stream.sent


def test_a_worker_asked_to_stop_during_a_broker_outage_stops(system: System, stack: Stack) -> None:
    worker = system.workers.ready()
    with streaming(system.broker, RATE_PER_S) as stream:
        system.await_outcomes(2_000)
    stack.stop("kafka")
    wait_until(lambda: "NodeNotReady" in worker.log() or "dead" in worker.log(), 60, "its client has noticed")
    assert worker.stop(20) == 0
    stack.start("kafka")
    system.workers.ready()
    assert system.verified().total("accepted") == stream.sent


def test_a_child_that_dies_during_a_database_outage_is_replaced(system: System, stack: Stack) -> None:
    parent = system.workers.start("--processes", "2", web_port=None, session_timeout="3s")
    owners = "SELECT count(DISTINCT owner) FROM ingest.partition_offset"
    wait_until(lambda: system.database.value(owners) == 2, 40, "both have claimed partitions")
    with streaming(system.broker, RATE_PER_S) as stream:
        system.await_outcomes(2_000)
        stack.stop("timescaledb")
        children = set(parent.children())
        victim = children.pop()
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(parent.children() - children) == 1, 20, "another child takes its place")
        # Long enough for its start to meet the database that is not there.
        replacement = wait_until(lambda: parent.children() - children - {victim}, 5, "the replacement").pop()
        assert replacement != victim
        wait_until(lambda: "cannot claim partitions" in parent.log(), 40, "it tries to claim partitions")
        stack.start("timescaledb")
        goal = stream.sent
        system.await_outcomes(goal, 90)
    assert system.verified().total("accepted") == stream.sent
    assert parent.is_running()
    assert parent.stop() == 0
