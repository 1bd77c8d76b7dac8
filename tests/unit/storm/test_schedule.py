"""Schedules: equal seeds break the same, sides do not overlap with themselves, files are read back, faults can all be done."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from streams.cli.storm.breaks import BREAKS
from streams.cli.storm.schedule import BY_NAME, FAULTS, Cast, Schedule, Step, draw, one_by_one, read_schedule

CAST = Cast()


@given(st.integers(1, 10_000), st.integers(30, 600))
def test_equal_seeds_give_equal_schedules_whose_sides_do_one_thing_at_a_time(seed: int, seconds: int) -> None:
    schedule = draw(seed, seconds, CAST)
    assert schedule == draw(seed, seconds, CAST)
    for steps in schedule.sides().values():
        for step, following in pairwise(steps):
            assert step.at_s + step.lasts_s < following.at_s
    assert all(step.at_s + step.lasts_s <= seconds + 0.2 for step in schedule.steps)


def test_another_seed_gives_another_schedule() -> None:
    assert len({draw(seed, 120, CAST).steps for seed in range(1, 30)}) == 29


def test_every_fault_is_drawn_sooner_or_later_and_hits_somebody_of_the_cast() -> None:
    steps = [step for seed in range(1, 120) for step in draw(seed, 120, CAST).steps]
    assert {step.fault for step in steps} == set(BY_NAME)
    assert {s.target for s in steps if s.fault == "worker-kill"} == {"worker-1", "worker-2", "worker-3"}


def test_only_and_without_choose() -> None:
    assert {step.fault for step in draw(1, 120, CAST, only=["worker-kill"]).steps} == {"worker-kill"}
    left_out = {step.fault for seed in range(50) for step in draw(seed, 120, CAST, without=["worker-clock"]).steps}
    assert left_out == set(BY_NAME) - {"worker-clock"}


def test_one_by_one_has_every_fault_once_with_a_pause_after_it() -> None:
    schedule = one_by_one(1, CAST, pause_s=30)
    assert [step.fault for step in schedule.steps] == [fault.name for fault in FAULTS]
    gaps = [b.at_s - a.at_s - a.lasts_s for a, b in pairwise(schedule.steps)]
    assert min(gaps) >= 29.9


def test_every_fault_of_a_schedule_can_be_done() -> None:
    assert BREAKS.keys() == BY_NAME.keys()


def test_a_schedule_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    schedule = draw(7, 120, CAST)
    (tmp_path / "s.json").write_text(json.dumps(schedule.as_json()))
    assert read_schedule(tmp_path / "s.json") == schedule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a schedule"),
        ('{"seed": 1}', "not a schedule"),
        ('{"seed": 1, "seconds": 10, "steps": [{"at_s": 1}]}', "not a schedule"),
        (json.dumps(Schedule(1, 10.0, (Step(1.0, "worker-hug", "worker-1", 1.0),)).as_json()), "worker-hug"),
    ],
)
def test_a_file_that_is_no_schedule_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_schedule(tmp_path / "s.json")


def test_a_schedule_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_schedule(tmp_path / "none.json")
