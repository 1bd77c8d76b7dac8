"""The soak's verdict on samples that are made up: what grows is found, what only trembles is not."""

from dataclasses import replace
from random import Random

import pytest

from streams.cli.benchmark.soak.faults import schedule
from streams.cli.benchmark.soak.judge import MEGABYTE, Line, Sample, failures, judge, slope

MINUTES = 60


def run(minutes: int = MINUTES, **grows: float) -> list[Sample]:
    """A process that trembles, with figures that grow by so much an hour."""
    dice = Random(1)
    samples = []
    for at in range(0, minutes * 60, 15):
        hours = at / 3_600
        still = {"rss_bytes": 180e6, "open_files": 40, "connections": 12, "tasks": 35, "temp_tables": 1}
        tremble = {"rss_bytes": 3e5, "open_files": 1, "connections": 1, "tasks": 1, "temp_tables": 0}
        values = {
            name: value + grows.get(name, 0.0) * hours + tremble[name] * dice.choice((-1, 0, 1))
            for name, value in still.items()
        }
        age = 0.08 + grows.get("age_s", 0.0) * hours + 0.01 * dice.random()
        samples.append(Sample("worker", float(at), values, age))
    return samples


def wrong(samples: list[Sample]) -> list[str]:
    return list(failures(judge(samples)))


def line(samples: list[Sample], figure: str) -> Line:
    (found,) = [line for line in judge(samples) if line.figure == figure]
    return found


def test_what_only_trembles_has_no_fault() -> None:
    assert wrong(run()) == []
    assert abs(line(run(), "rss_bytes").per_hour) < 0.2 * MEGABYTE


@pytest.mark.parametrize(
    ("figure", "per_hour"),
    [
        ("rss_bytes", 2e6),
        ("open_files", 20.0),
        ("connections", 20.0),
        ("tasks", 40.0),
        ("temp_tables", 10.0),
        ("age_s", 1.0),
    ],
)
def test_what_grows_is_found(figure: str, per_hour: float) -> None:
    (said,) = wrong(run(**{figure: per_hour}))
    assert said.startswith(f"worker: {figure} grew from ")
    assert line(run(**{figure: per_hour}), figure).per_hour == pytest.approx(per_hour, rel=0.15)


def test_memory_that_grows_less_than_a_megabyte_an_hour_may() -> None:
    assert wrong(run(rss_bytes=0.5e6)) == []


def test_memory_is_not_judged_when_the_run_was_too_short_to_tell() -> None:
    assert line(run(minutes=5, rss_bytes=50e6), "rss_bytes").ok is None
    assert line(run(minutes=45, rss_bytes=2e6), "rss_bytes").ok is False


def test_what_fills_in_the_beginning_is_no_growth() -> None:
    filling = [
        Sample(
            s.process, s.at_s, {**s.values, "rss_bytes": s.values["rss_bytes"] - max(0.0, 600 - s.at_s) * 1e5}, s.age_s
        )
        for s in run()
    ]
    assert wrong(filling) == []


def test_single_peaks_move_no_slope() -> None:
    points = [(float(x), 5.0) for x in range(20)]
    points[7] = (7.0, 500.0)
    assert slope(points) == 0.0


def test_processes_are_judged_by_themselves() -> None:
    other = [Sample("gateway", s.at_s, s.values, s.age_s) for s in run(open_files=30.0)]
    assert [said.split(":")[0] for said in wrong([*run(), *other])] == ["gateway"]


def test_what_was_started_again_is_shown_and_not_judged() -> None:
    again = [replace(sample, pid=1 + (sample.at_s > 1_800)) for sample in run(tasks=40.0)]
    assert {line.ok for line in judge(again)} == {None}
    assert wrong(again) == []


def test_faults_follow_from_the_seed_and_every_kind_comes() -> None:
    assert schedule(7, 600.0) == schedule(7, 600.0) != schedule(8, 600.0)
    moments = [fault.at_s for fault in schedule(7, 600.0)]
    assert moments == sorted(moments)
    assert max(moments) < 600.0 - 30.0
    kinds = {fault.kind for fault in schedule(7, 3_600.0)}
    assert kinds == {"term_worker", "kill_worker", "kill_gateway", "pause_broker", "pause_database"}
