"""Same seed, start and options: same bytes. Anything else: another run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from connectors.simulator import FAULTS, Simulation, SimulationOptions, parse_faults
from schemas.errors import ConfigurationError

OPTIONS = SimulationOptions(seed=4, duration=timedelta(minutes=2), faults=frozenset(FAULTS))


def first(count: int, options: SimulationOptions) -> list[tuple[object, ...]]:
    return [tuple(record) for record in islice(Simulation(options).records(), count)]


def test_same_options_give_the_same_bytes_and_the_same_truth() -> None:
    first, second = Simulation(OPTIONS), Simulation(OPTIONS)
    assert list(first.records()) == list(second.records())
    assert first.truth() == second.truth()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 5},
        {"start": datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)},
        {"duration": timedelta(seconds=121)},
        {"rate_hz": 1.0},
        {"faults": frozenset({"loss"})},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_other_option_gives_another_run_with_other_sources(change: dict[str, Any]) -> None:
    other = replace(OPTIONS, **change)
    assert other.run != OPTIONS.run
    assert not set(first(500, other)) & set(first(500, OPTIONS))
    mine, others = Simulation(OPTIONS), Simulation(other)
    for simulation in (mine, others):
        assert len(list(islice(simulation.records(), 500))) == 500
        assert len(simulation.truth()["sources"]) > 5
    assert not set(mine.truth()["sources"]) & set(others.truth()["sources"])


def test_another_seed_changes_what_happens_and_not_only_the_names() -> None:
    def loads(seed: int) -> list[float]:
        truth_of = Simulation(replace(OPTIONS, seed=seed))
        list(truth_of.records())
        return [row["load_t_sum"] for row in truth_of.truth()["rollups"]["port.crane_minute"]]

    assert loads(4) != loads(5)


def test_the_same_moment_in_another_zone_is_the_same_run() -> None:
    start = datetime.fromisoformat("2026-01-01T07:00:00+07:00")
    assert replace(OPTIONS, start=start).run == OPTIONS.run
    assert first(2000, replace(OPTIONS, start=start)) == first(2000, OPTIONS)


def test_records_come_in_the_order_of_sending(play: Callable[..., Any]) -> None:
    times = [record.time for record in play(faults="all").records]
    assert times == sorted(times)


def test_truth_covers_exactly_what_was_taken() -> None:
    simulation = Simulation(OPTIONS)
    records = simulation.records()
    taken = [next(records) for _ in range(700)]
    assert simulation.truth()["produced"] == len(taken)
    assert sum(simulation.truth()["per_topic"].values()) == len(taken)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"duration": timedelta(milliseconds=10)}, "duration"),
        ({"start": datetime(2026, 1, 1)}, "start"),  # noqa: DTZ001  (without a zone on purpose)
        ({"rate_hz": 0.0}, "rate-hz"),
        ({"faults": frozenset({"gremlins"})}, "gremlins"),
    ],
    ids=("duration", "start", "rate", "fault"),
)
def test_a_run_that_cannot_be_played_is_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        replace(OPTIONS, **wrong)


def test_fault_names_may_be_written_with_commas_all_or_none() -> None:
    assert parse_faults("all") == set(FAULTS)
    assert parse_faults("none") == frozenset()
    assert parse_faults("loss, clock-skew") == {"loss", "clock_skew"}
