"""Faults that need three brokers or a standby: each played on a cluster by the chaos harness, and judged as a seed is.

`make chaos` runs them; one cluster serves all.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.packages import need
from deploy.local.part import quiet
from streams.cli.benchmark.outage.plan import Plan
from streams.cli.benchmark.outage.port import Port
from streams.cli.storm.breaks import clock_library
from streams.cli.storm.ground import Ground
from streams.cli.storm.result import Result
from streams.cli.storm.round import Voice, play_round, verify
from streams.cli.storm.schedule import Cast, Schedule, Step
from tests.support.waiting import wait_until

RATE = 100.0

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1_200)]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    ground = Ground(tmp_path_factory.mktemp("cluster"), Cast(), RATE)
    try:
        ground.up(quiet)
        yield ground
    finally:
        ground.end()


def played(ground: Ground, *steps: Step) -> Result:
    """The steps, and twenty seconds more; nothing may be lost, doubled or out of order."""
    seconds = max(step.at_s + step.lasts_s for step in steps) + 20
    schedule = Schedule(1, seconds, tuple(sorted(steps)))
    result = play_round(ground, schedule, RATE, "-", Voice(print, lambda *_: None))
    assert result.problems() == []
    assert result.faults == len(steps)
    assert result.accepted == result.written > 1_000
    return result


def test_a_broker_is_killed_stopped_and_frozen_and_leaders_change(ground: Ground) -> None:
    played(
        ground,
        Step(5, "broker-kill", "kafka-1", 8),
        Step(20, "broker-term", "kafka-2", 6),
        Step(35, "broker-freeze", "kafka-3", 8),
    )


def test_brokers_are_apart_and_then_all_gone(ground: Ground) -> None:
    played(ground, Step(5, "brokers-apart", "inner-", 6), Step(20, "brokers-gone", "brokers", 15))


def test_a_primary_dies_in_commit_and_its_standby_takes_over(ground: Ground) -> None:
    played(
        ground,
        Step(5, "commit-cut", "db-", 12),
        Step(8, "fail-over", "database", 2),
        Step(40, "fail-over", "database", 2),
    )


def test_a_standby_is_away_and_no_commit_ends_until_it_is_back(ground: Ground) -> None:
    played(ground, Step(5, "standby-kill", "database", 10), Step(30, "primary-crash", "database", 5))


def test_a_group_that_never_comes_to_rest_makes_progress(ground: Ground) -> None:
    played(ground, Step(5, "rebalance-storm", "workers", 60))


def test_a_zombie_among_three_workers_writes_nothing(ground: Ground) -> None:
    played(ground, Step(5, "worker-freeze", "worker-1", 20), Step(30, "worker-freeze", "worker-2", 20))


def test_links_are_slow_silent_cut_and_refused(ground: Ground) -> None:
    faults = [(f"link-{how}", who) for who in ("edge-", "work-", "db-") for how in ("slow", "silent", "cut", "refused")]
    played(ground, *(Step(5 + 12 * n, fault, who, 6) for n, (fault, who) in enumerate(faults)))


def test_a_slow_database_a_locked_table_and_ended_sessions_are_waited_for(ground: Ground) -> None:
    played(
        ground,
        Step(5, "database-slow", "database", 10),
        Step(20, "table-locked", "database", 10),
        Step(35, "sessions-ended", "database", 0),
        Step(40, "primary-freeze", "database", 8),
    )


def test_a_worker_with_its_clock_a_day_ahead_judges_nothing_by_it(ground: Ground) -> None:
    need({"faketime": "faketime"}, quiet)
    assert clock_library() is not None
    steps = [Step(5 + 20 * n, "worker-clock", f"worker-{n + 1}", 15) for n in range(3)]
    played(ground, *steps)


def test_workers_and_gateways_are_killed_and_ended(ground: Ground) -> None:
    faults = ("worker-kill", "worker-term", "gateway-kill", "gateway-term", "gateway-freeze")
    played(ground, *(Step(5 + 12 * n, fault, fault.partition("-")[0] + "-1", 4) for n, fault in enumerate(faults)))


def test_the_ledger_finds_what_is_taken_away(ground: Ground, tmp_path: Path) -> None:
    """The judge judges: an event that is deleted behind the system's back is a difference."""
    ground.fresh()
    ground.start()
    port = Port(Plan(per_s=RATE, seed=2), *ground.inboxes)
    port.start()
    try:
        accepted = wait_for(ground, 500)
        truth = tmp_path / "truth.json"
        truth.write_text(json.dumps(port.stop()))
        wait_for(ground, port.written)
        assert accepted >= 500
        assert verify(ground, truth) == []
        with ground.owner() as connection:
            connection.execute(
                "DELETE FROM port.crane_sample WHERE ctid IN (SELECT ctid FROM port.crane_sample LIMIT 1)"
            )
        assert verify(ground, truth)
    finally:
        ground.stop()


def wait_for(ground: Ground, events: int) -> int:
    return wait_until(
        lambda: found if (found := ground.accepted() or 0) >= events else 0, 120, f"{events} events are stored"
    )
