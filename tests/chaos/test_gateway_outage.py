"""The broker is away, the gateway is killed again and again: nothing is lost, nothing is stored twice, live stays live.

`QUAYSTREAM_TEST_OUTAGE_S`, `QUAYSTREAM_TEST_KILLS` and `QUAYSTREAM_TEST_RATE` make it longer: the outage of four
hours at a scale of 1:60 is 240 seconds, 20 kills and 2,000 events a second.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from deploy.local.stack import Stack
from tests.support.gateways import Equipment, Gateway, at_work
from tests.support.system import System
from tests.support.waiting import wait_until

OUTAGE_S = float(os.environ.get("QUAYSTREAM_TEST_OUTAGE_S", "12"))
KILLS = int(os.environ.get("QUAYSTREAM_TEST_KILLS", "4"))
PER_S = float(os.environ.get("QUAYSTREAM_TEST_RATE", "500"))
FRESH_S = 5.0
SOURCES = """
[[sources]]
kind = "files"
name = "crane-lines"
folder = "{inbox}"
pattern = "*.jsonl"
poll_s = 0.1
"""
STORED = "SELECT count(*), count(DISTINCT energy_total_kwh), coalesce(max(energy_total_kwh), 0) FROM port.crane_sample"
OPEN_GAPS = "SELECT count(*) FROM ingest.sequence_gap WHERE filled_at IS NULL"
NEWEST_AGE = "SELECT extract(epoch FROM clock_timestamp() - max(time)) FROM port.crane_sample"
# One spool, one boot, whatever was killed.
BOOTS = "SELECT count(DISTINCT bootid), count(DISTINCT source) FROM port.crane_sample"

pytestmark = pytest.mark.timeout(int(OUTAGE_S * 4 + 300))


@pytest.fixture(autouse=True)
def mended(stack: Stack) -> Iterator[None]:
    """Whatever a test has stopped runs again for the next."""
    yield
    stack.up(["kafka", "timescaledb"])


@pytest.fixture
def gateway(environment: dict[str, str], tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(environment, tmp_path, SOURCES, catch_up_per_s=2 * PER_S, timeout="5s")
    yield gateway
    # Shown by pytest where the test has failed.
    print(f"the gateway's last pages: {gateway.last_words()}")
    gateway.end()


def kill_again_and_again(gateway: Gateway, end_s: float) -> None:
    """So many kills until then, each at another moment of the process's life."""
    dice = Random(7)
    for left in range(KILLS, 0, -1):
        time.sleep(max(0.0, (end_s - time.monotonic()) / left * dice.uniform(0.5, 1.0)))
        gateway.kill()
        gateway.start()
    wait_until(lambda: gateway.asked.page("/readyz")[0] == 200, 60, "the last of them is ready")
    time.sleep(max(0.0, end_s - time.monotonic()))


def spooled_more_than(gateway: Gateway, events: float) -> float:
    """How many wait, once they are more than that."""
    waiting = gateway.asked.metric("quaystream_spool_events")
    return waiting if waiting > events else 0.0


def newest_age_s(system: System) -> float:
    return float(system.database.value(NEWEST_AGE) or 1e9)


def fresh_ages_until(system: System, done: Callable[[], bool]) -> list[float]:
    """How old the newest stored event was, four times a second, from the first moment on that it was young."""
    wait_until(lambda: newest_age_s(system) < FRESH_S, 150, "a live event is stored")
    ages = []
    while not done():
        ages.append(newest_age_s(system))
        time.sleep(0.25)
    return ages


def wait_for_all(system: System, gateway: Gateway, equipment: Equipment) -> None:
    wait_until(lambda: gateway.asked.metric("quaystream_spool_events") == 0, 60 + OUTAGE_S, "the spool is empty")
    wait_until(lambda: system.database.rows(STORED)[0][0] >= equipment.written, 60, "every line is stored")


def check(system: System, equipment: Equipment) -> None:
    count, distinct, highest = system.database.rows(STORED)[0]
    assert (distinct, highest) == (equipment.written, float(equipment.written))
    assert count == distinct
    ledger = system.verified()
    assert ledger.total("accepted") == equipment.written
    assert ledger.total("rejected") == 0
    assert system.database.value(OPEN_GAPS) == 0
    assert tuple(system.database.rows(BOOTS)[0]) == (1, 1)


def test_kills_in_a_broker_outage_lose_nothing_and_live_events_stay_fresh(
    system: System, stack: Stack, gateway: Gateway
) -> None:
    system.workers.ready()
    gateway.ready()
    with at_work(Equipment(gateway.inbox / "cranes.jsonl", PER_S)) as equipment:
        system.await_outcomes(int(PER_S))
        stack.stop("kafka")
        kill_again_and_again(gateway, time.monotonic() + OUTAGE_S)
        waiting = wait_until(lambda: spooled_more_than(gateway, PER_S * OUTAGE_S / 2), 60, "the outage is in the spool")
        stack.start("kafka")
        ages = fresh_ages_until(system, lambda: gateway.asked.metric("quaystream_spool_events") < PER_S)
    wait_for_all(system, gateway, equipment)
    print(
        f"written {equipment.written}, waiting at the end of the outage {waiting:.0f}, "
        f"catch-up {len(ages) / 4:.0f} s, oldest newest event {max(ages):.2f} s"
    )
    assert max(ages) < FRESH_S
    assert gateway.asked.metric("quaystream_gateway_delivered_total", lane="backlog") > 0
    check(system, equipment)
    assert gateway.stop() == 0


def test_broker_that_accepts_and_hangs_loses_nothing(system: System, stack: Stack, gateway: Gateway) -> None:
    system.workers.ready()
    gateway.ready()
    broker = stack.pid("kafka")
    assert broker is not None
    with at_work(Equipment(gateway.inbox / "cranes.jsonl", PER_S)) as equipment:
        system.await_outcomes(int(PER_S))
        os.kill(broker, signal.SIGSTOP)
        try:
            # Longer than the delivery timeout: what was on its way is in doubt, and goes again.
            wait_until(
                lambda: gateway.asked.metric("quaystream_gateway_troubles_total", trouble="away") > 0, 30, "a timeout"
            )
        finally:
            os.kill(broker, signal.SIGCONT)
    wait_for_all(system, gateway, equipment)
    assert "Kafka does not answer" in gateway.log()
    assert "kafka_answers_again" in gateway.log()
    check(system, equipment)
    assert gateway.stop() == 0
