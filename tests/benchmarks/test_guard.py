"""The guard: today's work per event is within the budget, and one more call or object per event is noticed."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streams.cli.benchmark.guard import __main__ as command
from streams.cli.benchmark.guard import budget
from streams.cli.benchmark.guard.chain import Chain, Stage, measure, records, total
from streams.cli.benchmark.guard.work import Work

STAGES = ("decode", "judge", "assemble", "encode")
HERE = measure(Chain().stages())
# What would be committed now: an injection is judged against what surrounds it, whatever that is.
BUDGET = budget.budget_of(HERE)


def nothing() -> None:
    """What a forgotten hook does."""


def call_a_function(events: range) -> None:
    for _ in events:
        nothing()


def call_a_builtin(events: range) -> None:
    for event in events:
        abs(event)


def make_a_passing_object(events: range) -> None:
    for event in events:
        [event]  # noqa: B018


def keep_an_object(events: range) -> list[Any]:
    return [{"event": event} for event in events]


INJECTED = [
    *((stage, work) for stage in STAGES for work in (call_a_function, keep_an_object)),
    *(("decode", work) for work in (call_a_builtin, make_a_passing_object)),
]


class Extra(NamedTuple):
    """What a stage returned, and what was kept beside it."""

    value: Any
    kept: Any


def grown(where: str, work: Callable[[range], Any]) -> dict[str, Stage]:
    """The chain, with something done per event in one stage."""
    batch: list[Any] = []

    def with_extra(name: str, stage: Stage) -> Stage:
        def run(value: Any) -> Any:
            if name == "decode":
                batch[:] = value.records
            result = stage(value.value if isinstance(value, Extra) else value)
            return Extra(result, work(range(len(batch)))) if name == where else result

        return run

    return {name: with_extra(name, stage) for name, stage in Chain().stages().items()}


def test_an_event_costs_what_the_budget_says() -> None:
    assert list(budget.excesses(HERE, budget.load())) == []


@pytest.mark.parametrize(("stage", "work"), INJECTED, ids=lambda value: getattr(value, "__name__", value))
def test_work_added_per_event_is_over_budget(stage: str, work: Callable[[range], Any]) -> None:
    over = list(budget.excesses(measure(grown(stage, work)), BUDGET))
    assert over
    assert {line.partition(":")[0] for line in over} == {stage}


def test_work_added_per_batch_is_not() -> None:
    per_batch = measure(grown("judge", lambda _: call_a_function(range(50))))
    assert list(budget.excesses(per_batch, BUDGET)) == []


def test_counting_again_gives_the_same() -> None:
    assert list(budget.excesses(measure(Chain().stages()), BUDGET)) == []


def test_the_stages_together_store_every_event() -> None:
    value: Any = records(500)
    for stage in Chain().stages().values():
        value = stage(value)
    (step,) = value.writes.progress
    assert (step.accepted, step.next_offset) == (500, 500)


def test_all_stages_together_are_their_sum_but_the_highest_peak() -> None:
    assert total([Work(1, 2, 3, 4, 50), Work(1, 1, 1, 1, 70)]) == Work(2, 3, 4, 5, 70)


def test_what_differs_between_releases_is_compared_within_one_only() -> None:
    dearer = {"decode": Work(1_000, 0, 0, 0, 10_000)}
    free = {"decode": asdict(Work(0, 0, 0, 0, 0))}
    assert len(list(budget.excesses(dearer, {"python": budget.release(), "per_event": free}))) == 2
    assert list(budget.excesses(dearer, {"python": "2.7", "per_event": free})) == []


def test_a_stage_without_a_budget_may_cost_nothing() -> None:
    over = budget.excesses({"polish": Work(0, 1, 0, 0, 0)}, BUDGET)
    assert list(over) == ["polish: 1 calls per event, 0 in the budget"]


def test_a_written_budget_is_kept_by_what_it_was_written_from(tmp_path: Path) -> None:
    budget.write(HERE, tmp_path / "budget.json")
    assert list(budget.excesses(HERE, budget.load(tmp_path / "budget.json"))) == []
    assert json.loads((tmp_path / "budget.json").read_text())["per_event"].keys() == HERE.keys()


def run(monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], committed: Path) -> int:
    monkeypatch.setattr(sys, "argv", ["guard", *arguments])
    monkeypatch.setattr(command, "load", lambda: budget.load(committed))
    monkeypatch.setattr(command, "write", lambda works: budget.write(works, committed))
    return command.main()


def test_the_command_names_every_excess(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "budget.json"
    budget.write({stage: Work(0, 0, 0, 0, 0) for stage in STAGES}, file)
    assert run(monkeypatch, [], file) == 1
    assert "over budget: decode: " in capsys.readouterr().err
    assert run(monkeypatch, ["--write"], file) == 0
    assert run(monkeypatch, [], file) == 0
    assert "decode" in capsys.readouterr().out
