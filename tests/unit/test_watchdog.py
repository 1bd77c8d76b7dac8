"""Lag, and whether records wait while commits stand still."""

import math
import time
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.prometheus import Registry
from streams.core.domain import Limits
from streams.core.record import TopicPartition
from streams.partitions import Partitions
from streams.pipeline import Fence
from streams.watchdog import STALL_S, Watchdog
from tests.support.judging import written
from tests.support.records import APPENDED_MS, CRANES, OTHER_CRANES, crane, stretch
from tests.unit.test_registry import samples


class Clock:
    """Both of time's clocks, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "time", lambda: APPENDED_MS / 1_000 + self.now - 1_000.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Watched:
    """A watchdog over one lane's partitions."""

    def __init__(self, *tps: TopicPartition) -> None:
        self.partitions = Partitions(Limits())
        self.partitions.claim({tp: Fence(0, 1) for tp in tps or (CRANES,)})
        self.registry = Registry()
        self.lane: Any = SimpleNamespace(partitions=self.partitions, waits_for=None)
        self.watchdog = Watchdog([self.lane], self.registry)

    def gauge(self, name: str, tp: TopicPartition = CRANES) -> float | None:
        labels = frozenset({("topic", tp.topic), ("partition", str(tp.partition))})
        return samples(self.registry.text()).get((f"quaystream_partition_{name}", labels))


def test_lag_is_end_minus_head(clock: Clock) -> None:
    watched = Watched(CRANES, OTHER_CRANES)
    watched.partitions.moved(CRANES, 40)
    watched.watchdog.observe({CRANES: 100, OTHER_CRANES: 0})
    assert watched.watchdog.lag() == {CRANES: 60, OTHER_CRANES: 0}
    assert (watched.gauge("lag_records"), watched.gauge("lag_records", OTHER_CRANES)) == (60, 0)


@pytest.mark.parametrize("ends", [{}, {CRANES: None}])
def test_unknown_lag_is_nan_never_zero(clock: Clock, ends: dict[TopicPartition, int | None]) -> None:
    watched = Watched()
    watched.watchdog.observe(ends)
    assert math.isnan(watched.gauge("lag_records") or 0)
    assert math.isnan(watched.gauge("lag_seconds") or 0)
    assert watched.watchdog.lag() == {}


def test_end_that_was_asked_before_the_last_commit_makes_no_negative_lag(clock: Clock) -> None:
    watched = Watched()
    watched.partitions.moved(CRANES, 40)
    watched.watchdog.observe({CRANES: 30})
    assert watched.watchdog.lag() == {CRANES: 0}


def test_lag_in_seconds_is_the_age_of_what_was_reached(clock: Clock) -> None:
    """Far behind but moving is far behind."""
    watched = Watched()
    batch = [stretch([crane("a")])]
    watched.partitions.passed(batch, written(batch))
    watched.partitions.moved(CRANES, 1)
    clock.now += 3_600
    watched.watchdog.observe({CRANES: 100_000})
    assert watched.gauge("lag_seconds") == pytest.approx(3_600)


def test_caught_up_partition_has_no_lag_in_seconds(clock: Clock) -> None:
    watched = Watched()
    clock.now += 3_600
    watched.watchdog.observe({CRANES: 0})
    assert watched.gauge("lag_seconds") == 0


def test_partition_with_lag_and_no_commit_is_stalled(clock: Clock) -> None:
    watched = Watched()
    watched.watchdog.observe({CRANES: 10})
    clock.now += STALL_S
    watched.watchdog.observe({CRANES: 12})
    assert watched.watchdog.stalled() is None
    clock.now += 1
    assert "crane-events/0 stands at 0 for 121 s with 12 waiting" in str(watched.watchdog.stalled())


def test_commit_starts_the_time_again(clock: Clock) -> None:
    watched = Watched()
    watched.watchdog.observe({CRANES: 10})
    clock.now += STALL_S
    watched.partitions.moved(CRANES, 1)
    watched.watchdog.observe({CRANES: 10})
    clock.now += STALL_S
    assert watched.watchdog.stalled() is None


def test_idle_partition_is_not_stalled_and_has_its_time_when_records_come(clock: Clock) -> None:
    watched = Watched()
    watched.watchdog.observe({CRANES: 0})
    clock.now += 10 * STALL_S
    watched.watchdog.observe({CRANES: 0})
    clock.now += 1
    watched.watchdog.observe({CRANES: 5})
    assert watched.watchdog.stalled() is None


def test_partition_whose_end_is_unknown_is_not_called_stalled(clock: Clock) -> None:
    watched = Watched()
    watched.watchdog.observe({CRANES: 10})
    clock.now += 2 * STALL_S
    watched.watchdog.observe({CRANES: None})
    assert watched.watchdog.stalled() is None


def test_paused_partition_is_not_stalled(clock: Clock) -> None:
    watched = Watched()
    watched.partitions.pause(CRANES)
    watched.watchdog.observe({CRANES: 10})
    clock.now += 2 * STALL_S
    assert watched.watchdog.stalled() is None
    assert watched.gauge("paused") == 1


def test_partition_that_waits_for_the_database_is_not_stalled_and_has_its_time_afterwards(clock: Clock) -> None:
    watched = Watched()
    watched.lane.waits_for = "connection"
    watched.watchdog.observe({CRANES: 10})
    clock.now += 2 * STALL_S
    watched.watchdog.observe({CRANES: 10})
    assert watched.watchdog.stalled() is None
    assert watched.watchdog.waiting() == "transactions fail: connection"
    watched.lane.waits_for = None
    assert (watched.watchdog.stalled(), watched.watchdog.waiting()) == (None, None)
    clock.now += STALL_S + 1
    assert "stands at 0" in str(watched.watchdog.stalled())


def test_history_that_waits_is_shown_but_neither_live_lag_nor_a_stall(clock: Clock) -> None:
    history = TopicPartition("crane-events-backfill", 0)
    watched = Watched(CRANES, history)
    watched.watchdog.observe({CRANES: 3, history: 500})
    assert watched.watchdog.lag() == {CRANES: 3, history: 500}
    assert watched.watchdog.live_lag() == 3
    assert watched.gauge("lag_records", history) == 500
    watched.partitions.moved(CRANES, 3)
    watched.watchdog.observe({CRANES: 3, history: 500})
    clock.now += 2 * STALL_S
    assert watched.watchdog.stalled() is None


def test_resumed_partition_has_its_time_again(clock: Clock) -> None:
    watched = Watched()
    watched.partitions.pause(CRANES)
    watched.watchdog.observe({CRANES: 10})
    clock.now += 2 * STALL_S
    watched.watchdog.observe({CRANES: 10})
    watched.partitions.resume(CRANES)
    watched.watchdog.observe({CRANES: 10})
    assert watched.watchdog.stalled() is None
    assert watched.gauge("paused") == 0


def test_partition_that_went_away_is_forgotten(clock: Clock) -> None:
    watched = Watched()
    watched.watchdog.observe({CRANES: 10})
    watched.partitions.drop([CRANES])
    clock.now += 2 * STALL_S
    watched.watchdog.observe({})
    assert watched.watchdog.stalled() is None
    assert watched.gauge("lag_records") is None


def test_partition_claimed_again_has_its_time_again(clock: Clock) -> None:
    watched = Watched()
    watched.watchdog.observe({CRANES: 10})
    watched.partitions.drop([CRANES])
    watched.watchdog.observe({})
    clock.now += 2 * STALL_S
    watched.partitions.claim({CRANES: Fence(0, 2)})
    watched.watchdog.observe({CRANES: 10})
    assert watched.watchdog.stalled() is None


def test_standing_partitions_are_those_with_lag_that_did_not_move(clock: Clock) -> None:
    watched = Watched(CRANES, OTHER_CRANES)
    watched.watchdog.observe({CRANES: 10, OTHER_CRANES: 0})
    clock.now += 6
    watched.watchdog.observe({CRANES: 10, OTHER_CRANES: 0})
    assert watched.watchdog.standing(5.0) == [CRANES]
    assert watched.watchdog.standing(7.0) == []
