"""Latency counts from when an event was due, to when its partition's head was seen past it."""

import math

import numpy as np
import pytest

from schemas.errors import CheckFailedError
from streams.cli.benchmark.generator import SCHEDULE, Schedule
from streams.cli.benchmark.latency import latencies, waits_of
from streams.cli.benchmark.observation import Observation


def schedule(*events: tuple[int, int, float]) -> Schedule:
    """Events as (partition, offset, due), each acknowledged after 2 ms."""
    return np.array([(partition, offset, due, due + 0.002) for partition, offset, due in events], SCHEDULE)


def test_an_event_waits_until_the_head_has_passed_it() -> None:
    events = schedule((0, 0, 1.0), (0, 1, 1.1), (0, 2, 1.2))
    seen = [Observation(1.3, {0: 1}), Observation(1.5, {0: 3})]
    assert latencies(events, seen).tolist() == pytest.approx([0.3, 0.4, 0.3])


def test_a_partition_is_not_seen_through_another() -> None:
    events = schedule((0, 0, 1.0), (1, 0, 1.0))
    seen = [Observation(1.1, {0: 1}), Observation(1.9, {0: 1, 1: 1})]
    assert latencies(events, seen).tolist() == pytest.approx([0.1, 0.9])


def test_a_partition_that_starts_late_counts_from_its_first_new_record() -> None:
    events = schedule((0, 500, 1.0))
    seen = [Observation(0.9, {0: 500}), Observation(1.2, {0: 501})]
    assert latencies(events, seen).tolist() == pytest.approx([0.2])


def test_what_was_never_committed_waits_for_ever() -> None:
    events = schedule((0, 0, 1.0), (0, 1, 1.0))
    waits = waits_of(events, [Observation(1.1, {0: 1})], 0.0)
    assert (waits.unseen, waits.max_ms) == (1, math.inf)


def test_the_warm_up_is_not_counted() -> None:
    events = schedule((0, 0, 1.0), (0, 1, 6.0), (0, 2, 6.5))
    seen = [Observation(5.0, {0: 1}), Observation(6.6, {0: 3})]
    waits = waits_of(events, seen, 5.0)
    assert waits.events == 2
    assert waits.max_ms == pytest.approx(600)


def test_a_run_that_is_all_warm_up_says_nothing() -> None:
    with pytest.raises(CheckFailedError, match="warm-up"):
        waits_of(schedule((0, 0, 1.0)), [Observation(1.1, {0: 1})], 5.0)


def test_percentiles_are_waits_that_happened() -> None:
    events = schedule(*((0, offset, 1.0) for offset in range(1_000)))
    seen = [Observation(1.0 + (offset + 1) / 1_000, {0: offset + 1}) for offset in range(1_000)]
    waits = waits_of(events, seen, 0.0)
    assert (waits.p50_ms, waits.p99_ms, waits.p999_ms) == pytest.approx((500, 990, 999), abs=1)


def test_the_brokers_share_is_told() -> None:
    waits = waits_of(schedule((0, 0, 1.0)), [Observation(1.1, {0: 1})], 0.0)
    assert waits.acked_p99_ms == pytest.approx(2.0)
