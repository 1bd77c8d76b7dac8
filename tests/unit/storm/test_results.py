"""From samples to recoveries, from numbers to a verdict, from a result to a line of the log."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from streams.cli.storm.diary import append, line, recovery_rows
from streams.cli.storm.play import Course, Happened, Recovery, Sample, recoveries
from streams.cli.storm.result import Result, slow, void, within_bound
from streams.cli.storm.schedule import Cast, Step, draw

HELD = Result(
    seed=3,
    minutes=2.0,
    per_s=100.0,
    commit="abc1234",
    faults=1,
    written=12_000,
    records=12_100,
    events=12_000,
    accepted=12_000,
    lost=0,
    duplicated=0,
    out_of_order=0,
    restarts=0,
    drained_s=1.5,
    verified=True,
    differences=(),
    failed=(),
    recoveries=(Recovery("worker-kill", "worker-1", 4.0, 6.5, True),),
    steps=(Step(7.0, "worker-kill", "worker-1", 4.0),),
)


def happened(at_s: float, until_s: float, fault: str = "worker-kill") -> Happened:
    return Happened(Step(at_s, fault, "worker-1", until_s - at_s), at_s, until_s)


def test_recovery_is_from_the_mending_until_less_than_three_seconds_of_events_wait() -> None:
    samples = [Sample(9, 250), Sample(11, 900), Sample(12, None), Sample(14, 301), Sample(15, 300), Sample(16, 0)]
    (found,) = recoveries(Course([happened(5, 10)], samples), per_s=100)
    assert (found.outage_s, found.recovered_s, found.alone) == (5, 5, True)


def test_what_did_not_recover_says_so() -> None:
    (found,) = recoveries(Course([happened(5, 10)], [Sample(11, 900)]), per_s=100)
    assert found.recovered_s is None
    assert not within_bound(found)


def test_a_fault_that_another_overlaps_is_not_alone() -> None:
    samples = [Sample(11, 900), Sample(20, 0), Sample(40, 0)]
    course = Course([happened(5, 10), happened(15, 16), happened(30, 31)], samples)
    assert [found.alone for found in recoveries(course, 100)] == [False, False, True]


def test_a_recovery_is_in_time_within_twice_the_outage_or_the_floor() -> None:
    assert within_bound(Recovery("a", "b", 10.0, 20.0, True))
    assert within_bound(Recovery("a", "b", 1.0, 18.0, True))
    late = Recovery("a", "b", 10.0, 20.1, True)
    assert slow([late, replace(late, alone=False)]) == [late]


def test_a_result_that_holds_has_no_problem_and_each_number_that_is_wrong_is_one() -> None:
    assert HELD.problems() == []
    wrong = (
        ("lost", 1),
        ("duplicated", 2),
        ("out_of_order", 1),
        ("events", 11_999),
        ("drained_s", None),
        ("verified", False),
        ("failed", ("it hurts",)),
    )
    for name, value in wrong:
        assert len(replace(HELD, **{name: value}).problems()) == 1, name


def test_a_seed_that_could_not_be_played_does_not_hold_and_says_why() -> None:
    result = void(draw(9, 120, Cast()), 100.0, "abc1234", "the broker does not start")
    assert "the harness failed: the broker does not start" in result.problems()
    assert result.seed == 9


def test_a_seed_is_one_line_of_the_log_below_its_head(tmp_path: Path) -> None:
    log = tmp_path / "log.md"
    append(log, HELD)
    append(log, replace(HELD, seed=4, lost=2))
    first, second = log.read_text().splitlines()[-2:]
    assert "| abc1234 | 3 | 2.0 | 100 | 1 | 12,000 | 0 | 0 | 0 | 1.5 | 6.5 s after worker-kill (4.0 s) | yes |" in first
    assert second.endswith("| 2 events are lost |")
    assert line(HELD, datetime(2026, 11, 28, 21, 0, tzinfo=UTC)).startswith("| 2026-11-28 21:00 |")


def test_recoveries_are_summed_up_by_fault_when_they_were_alone() -> None:
    found = [
        Recovery("b", "t", 2.0, 4.0, True),
        Recovery("a", "t", 10.0, 30.0, True),
        Recovery("a", "t", 10.0, 10.0, True),
        Recovery("a", "t", 10.0, 99.0, False),
    ]
    assert recovery_rows(found) == [
        ("a", "2", "10.0", "20.0", "30.0", "1 of 2"),
        ("b", "1", "2.0", "4.0", "4.0", "1 of 1"),
    ]
