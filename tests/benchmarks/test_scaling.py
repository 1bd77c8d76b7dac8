"""Curves: medians and growth of what was measured, pauses from what was seen, and a page that hides nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from schemas.errors import CheckFailedError, ConfigurationError
from streams.cli.bench_curves import register
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.scaling.document import wrong
from streams.cli.benchmark.scaling.extent import CURVES, QUICK, Extent, points
from streams.cli.benchmark.scaling.figures import backfill, memory, overhead, rebalance
from streams.cli.benchmark.scaling.figures import points as rows_of
from streams.cli.benchmark.scaling.handover import longest_wait_s
from streams.cli.benchmark.scaling.memory import growth_mb_per_h
from streams.cli.benchmark.scaling.page import render, write
from streams.cli.benchmark.scaling.pull import longest_pause_s
from tests.benchmarks.courses import HANDOVER, beside, course, run

RESULT = course()


def command(*arguments: str) -> str:
    """What `bench-curves` prints; its errors are raised."""
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def kept(folder: Path, content: object) -> str:
    file = folder / "curves.json"
    file.write_text(json.dumps(content))
    return str(file)


def seen(*heads: tuple[float, int, int]) -> list[Observation]:
    """At a time, how far partitions 0 and 1 were."""
    return [Observation(at, {0: first, 1: second}) for at, first, second in heads]


def test_a_point_is_the_median_of_its_rounds() -> None:
    first, _ = RESULT["curves"]["assets"]["points"]
    assert (first["at"], first["events_per_s"]) == (10, 80_000)
    assert first["events_per_s_rounds"] == [60_000, 80_000, 100_000]


def test_growth_is_the_cost_at_the_end_over_that_at_the_beginning() -> None:
    assert RESULT["curves"]["assets"]["growth"] == {"worker": 1.33, "database": 1.0, "broker": 1.0, "all": 1.2}


def test_every_curve_that_was_run_is_in_the_result_in_order() -> None:
    assert [*RESULT["curves"], "rebalance", "backfill", "memory"] == list(CURVES)
    assert course(handover=None)["rebalance"] is None


def test_points_that_lost_rows_are_named() -> None:
    result = course(run("rows", 7, 5.0, faults=("9 rows instead of 10",)))
    assert wrong(result) == ["rows 7: 9 rows instead of 10"]
    assert "WRONG" in {row[-1] for row in rows_of("rows", result["curves"]["rows"]).rows}


def test_a_handover_that_lost_events_is_named() -> None:
    assert wrong(course(handover=replace(HANDOVER, is_complete=False))) == [
        "rebalance: not every event was stored once"
    ]


def test_waits_beside_history_are_medians_of_the_rounds_and_compared_with_those_without() -> None:
    without, with_history = backfill(RESULT["backfill"]).rows
    assert without[:6] == ("0", "0", "5,000", "20", "45", "40 - 50")
    assert with_history[:6] == ("2,000", "1,800", "5,000", "20", "70", "60 - 80")
    assert (without[8], with_history[8]) == ("1.00", "1.56")
    assert with_history[-4:] == ("8", "15", "62", "ok")


def test_history_that_was_over_too_soon_is_named() -> None:
    assert wrong(course(besides=[beside(2_000, 1, 60.0, is_complete=False)])) == [
        "backfill 2000: not every live event was stored, or history was over too soon"
    ]


def test_a_result_of_before_back_fill_still_makes_a_page() -> None:
    old = {name: value for name, value in RESULT.items() if name != "backfill"}
    assert wrong(old) == []
    assert "## History beside live events" in render(RESULT, "curves.svg")
    assert "## History beside live events" not in render(old, "curves.svg")


def test_right_rows_are_not_complained_about() -> None:
    assert wrong(RESULT) == []


def test_the_table_shows_cost_and_its_growth() -> None:
    _, last = rows_of("assets", RESULT["curves"]["assets"]).rows
    assert last == (
        *("10,000", "80,000", "60,000 - 100,000", "8.0", "3.0", "1.0", "12.0", "1.20"),
        *("200", "300", "ok"),
    )


def test_overhead_is_worker_cpu_against_one_worker() -> None:
    assert overhead(RESULT["curves"]["workers"]) == pytest.approx(0.05)


def test_pauses_of_a_handover_are_shown_with_the_slowest_partition() -> None:
    assert rebalance(RESULT["rebalance"]).rows[1] == ("a second worker joins", "0.40", "1.25")


def test_a_pause_is_the_longest_time_between_two_commits() -> None:
    assert longest_pause_s(seen((0.0, 1, 1), (0.5, 2, 1), (2.0, 2, 2))) == 1.5
    assert longest_pause_s(seen((0.0, 1, 1))) == 0.0


def test_the_slowest_partition_waits_through_the_commits_of_the_others() -> None:
    assert longest_wait_s(seen((0.0, 1, 1), (1.0, 2, 1), (2.0, 3, 1), (3.0, 4, 2))) == 3.0


def test_memory_is_the_highest_of_each_minute_and_how_far_behind_at_the_least() -> None:
    found = RESULT["memory"]
    assert found["minutes_mb"] == [200, 250, 250, 250, 250, 260, 250, 250, 250, 250]
    assert (found["peak_mb"], found["behind_s"]) == (260, 360)
    assert memory(found).rows[0][3:8] == ("250", "250", "260", "250", "250")


def test_growth_is_judged_once_caches_are_full() -> None:
    filling = [(float(at), 100.0 + at) for at in range(100)]
    steady = [(float(at), 200.0 + (at - 100) / 3_600) for at in range(100, 400)]
    assert growth_mb_per_h(filling + steady, 100.0) == pytest.approx(1.0)
    assert growth_mb_per_h(filling, 0.0) == pytest.approx(3_600.0)
    assert growth_mb_per_h(filling, 99.0) == 0.0


def test_only_leaves_the_other_curves_out() -> None:
    chosen = Extent().only(["workers", "rebalance"])
    assert (chosen.workers, chosen.rebalance) == (Extent().workers, Extent().rebalance)
    assert (chosen.assets, chosen.partitions, chosen.rows, chosen.chunks) == ((), (), (), ())
    assert (Extent().only(["assets"]).rebalance, Extent().only(["assets"]).memory) == (0, 0)


def test_an_unknown_curve_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="choose from assets, partitions"):
        QUICK.only(["assets", "cranes"])


def test_points_are_sorted_and_each_is_there_once() -> None:
    assert points("--rows", "50_000_000, 0,5000", least=0) == (0, 5_000, 50_000_000)


@pytest.mark.parametrize("text", ["many", "-1", "1;2", "0"])
def test_points_that_are_no_numbers_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="whole numbers from 1 on"):
        points("--workers", text)


def test_the_page_has_every_curve_and_what_is_not_measured() -> None:
    text = render(RESULT, "scaling/curves.svg")
    for wanted in (
        "![CPU per event and events/s along each curve](scaling/curves.svg)",
        "## More assets",
        "## More workers",
        "With 4 workers an event costs +5% worker CPU",
        "40,000 rows in 20 chunks were counted and dropped",
        "## When a worker joins or leaves",
        "## Memory while behind",
        "*compressed* are not measured",
        "| cpu | a processor |",
    ):
        assert wanted in text
    assert "$" not in text


def test_the_page_says_which_curve_is_not_flat() -> None:
    text = render(course(run("assets", 100_000, 30.0)), "curves.svg")
    assert "**Not flat**: from 10 to 100,000" in text
    assert "a minute row of its own" in text
    assert "Flat: from 1 to 48" in text


def test_the_page_does_not_sell_work_done_beforehand_as_a_saving() -> None:
    assert "Not to be believed" in render(course(run("workers", 8, 2.0)), "curves.svg")
    assert "Not to be believed" not in render(RESULT, "curves.svg")


def test_the_page_links_a_picture_that_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(RESULT, tmp_path / f"{name}.md")
    assert "(one/curves.svg)" in (tmp_path / "one.md").read_text()
    pictures = [(tmp_path / name / "curves.svg").read_bytes() for name in ("one", "two")]
    assert pictures[0] == pictures[1]
    assert b"thousand events/s" in pictures[0]


def test_a_kept_result_is_shown_without_running_anything(tmp_path: Path) -> None:
    output = command("--from", kept(tmp_path, RESULT))
    assert "60,000 - 100,000" in output
    assert "it leaves (SIGTERM)" in output


def test_a_result_with_wrong_rows_fails_the_check(tmp_path: Path) -> None:
    file = kept(tmp_path, course(run("assets", 10, 6.0, faults=("9 rows instead of 10",))))
    with pytest.raises(CheckFailedError, match="assets 10: 9 rows"):
        command("--from", file)


@pytest.mark.parametrize("content", [{"machine": {}}, [], "curves"])
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(ConfigurationError, match="bench-curves --json"):
        command("--from", kept(tmp_path, content))
