"""The capacity model: its formulas against sums done by hand, its constants, its command and its page."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from schemas.errors import ConfigurationError
from schemas.events import MODELS
from schemas.topics import load_topics
from streams.cli.capacity import register
from streams.cli.sizing import constants, figures, page
from streams.cli.sizing.constants import Constants, Flow, Measured, Stored
from streams.cli.sizing.model import BUSY, LEAST_WORKERS, PARTITIONS_PER_WORKER, Need, Site, need
from tests.benchmarks.courses import course

COMMITTED = constants.load()


def one_flow(*, sources: int = 10, per_day: float = 864_000, minute_bytes: float = 0.0) -> Constants:
    """Nothing but crane samples, with round figures."""
    flow = Flow.model_validate(
        {"topic": "crane-events", "from": "cranes", "sources": sources, "per_day": per_day, "why": "made up"}
    )
    worth = {
        "worker_us_per_event": 6.0,
        "database_us_per_event": 3.0,
        "broker_us_per_event": 1.0,
        "worker_events_per_s": 100_000,
        "worker_rss_mb": 500,
        "wal_bytes_per_event": 400,
    }
    measured = {name: Measured(value=value, unit="", where="here") for name, value in worth.items()}
    stored = Stored(rows_per_event=2, row_bytes=200, index_bytes=50, minute_bytes=minute_bytes)
    return Constants.model_validate(
        {
            "terminal": {"crane.sample": flow},
            "measured": measured,
            "stored_where": "here",
            "stored": {"crane.sample": stored},
            "record_bytes": {"crane-events": 60},
        }
    )


def committed_need(terminals: int = 1, **site: Any) -> Need:
    return need(Site(terminals, **site), COMMITTED)


def command(*arguments: str) -> str:
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def kept(folder: Path, content: object) -> Path:
    file = folder / "result.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The constants' file, to be written."""
    file = tmp_path / "capacity.yaml"
    shutil.copy(constants.FILE, file)
    monkeypatch.setattr(constants.load, "__defaults__", (file,))
    monkeypatch.setattr(constants.rewrite, "__defaults__", (file,))
    return file


def test_cores_are_events_times_cost_at_the_planned_share() -> None:
    found = need(Site(1_000), one_flow())
    assert found.events_per_s == 100_000
    assert found.worker_cores == pytest.approx(0.6 / BUSY)
    assert found.database_cores == pytest.approx(0.3 / BUSY)
    assert found.cores == pytest.approx(1.0 / BUSY)


def test_workers_are_the_cores_rounded_up_and_never_fewer_than_two() -> None:
    assert need(Site(1), one_flow()).workers == LEAST_WORKERS
    assert need(Site(2_500), one_flow()).workers == 3


def test_partitions_are_whole_multiples_of_the_declared_that_suffice() -> None:
    declared = load_topics()["crane-events"].partitions
    few, many = need(Site(1), one_flow()), need(Site(10_000), one_flow())
    assert few.partitions == {"crane-events": declared}
    assert many.partitions["crane-events"] % declared == 0
    assert many.partitions["crane-events"] >= many.workers * PARTITIONS_PER_WORKER


def test_rows_are_kept_for_the_retention() -> None:
    found = need(Site(1, raw_days=10), one_flow())
    assert found.database_gb_per_day == pytest.approx(8.64e6 * 2 * 250 / 1e9)
    assert found.database_gb == pytest.approx(found.database_gb_per_day * 10)


def test_rollups_have_a_row_for_each_minute_of_a_source() -> None:
    found = need(Site(1), one_flow(minute_bytes=300))
    assert found.rollup_gb_per_year == pytest.approx(10 * 1_440 * 2 * 300 * 61 / 60 * 365 / 1e9)


def test_rollups_have_no_more_rows_than_there_are_events() -> None:
    found = need(Site(1), one_flow(per_day=6, minute_bytes=300))
    assert found.rollup_gb_per_year == pytest.approx(10 * 6 * 2 * 300 * 61 / 60 * 365 / 1e9)


def test_kafka_keeps_every_copy_for_the_retention() -> None:
    found = need(Site(1, topic_days=3, replication=2), one_flow())
    assert found.kafka_gb_per_day == pytest.approx(8.64e6 * 60 * 2 / 1e9)
    assert found.kafka_gb == pytest.approx(found.kafka_gb_per_day * 3)


def test_the_log_is_written_beside_the_rows() -> None:
    assert need(Site(1), one_flow()).written_mb_per_s == pytest.approx(100 * (2 * 250 + 400) / 1e6)


def test_needs_grow_with_terminals() -> None:
    one, ten = committed_need(1), committed_need(10)
    for name in ("events_per_s", "worker_cores", "database_gb", "rollup_gb_per_year", "kafka_gb", "written_mb_per_s"):
        assert getattr(ten, name) == pytest.approx(10 * getattr(one, name))


def test_a_rate_scales_all_events_to_it() -> None:
    found = committed_need(1, events_per_s=200_000)
    assert found.events_per_s == pytest.approx(200_000)
    assert found.worker_cores > committed_need(1).worker_cores


def test_every_type_of_the_terminal_is_an_event_with_a_topic_and_a_size() -> None:
    names = set(COMMITTED.terminal)
    assert names == set(COMMITTED.stored)
    assert {f"io.quaystream.{name}.v1" for name in names} <= set(MODELS)
    assert {flow.topic for flow in COMMITTED.terminal.values()} == set(COMMITTED.record_bytes)
    assert set(COMMITTED.record_bytes) <= set(load_topics())


def test_every_figure_says_where_it_was_measured() -> None:
    for row in figures.measured(COMMITTED).rows:
        assert len(row[-1].split()) > 2


def test_the_page_is_what_the_constants_say() -> None:
    text = page.FILE.read_text(encoding="utf-8")
    assert text == page.renewed(text, COMMITTED), "run python -m streams.cli.sizing"


def test_a_changed_constant_changes_the_page() -> None:
    text = page.FILE.read_text(encoding="utf-8")
    dearer = {"worker_us_per_event": Measured(value=99, unit="µs", where="a slow one")}
    assert "99 µs" in page.renewed(text, constants.refreshed(COMMITTED, dearer))


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        page.renewed("# Capacity", COMMITTED)


def test_the_command_has_a_column_for_each_size() -> None:
    first = command().splitlines()[0]
    assert [f"{n} terminal" in first for n in page.TERMINALS] == [True] * len(page.TERMINALS)


def test_the_command_answers_a_program() -> None:
    (found,) = json.loads(command("--terminals", "5", "--raw-retention", "30d", "--json"))
    assert found["terminals"] == 5
    assert found["cores"] == pytest.approx(committed_need(5).cores, abs=1e-3)
    assert found["database_gb"] == pytest.approx(committed_need(5, raw_days=30).database_gb, abs=1e-3)


def test_a_result_of_curves_gives_fresh_costs(tmp_path: Path) -> None:
    found = constants.fresh(course(), "curves.json")
    assert found["worker_us_per_event"] == Measured(value=6.0, unit="µs", where="curves.json")
    file = kept(tmp_path, course())
    (answer,) = json.loads(command("--from", str(file), "--terminals", "1", "--json"))
    assert answer["worker_cores"] == pytest.approx(committed_need().events_per_s * 6.0 / 1e6 / BUSY, abs=1e-3)


def test_a_result_of_the_benchmark_gives_fresh_costs() -> None:
    entry = {
        "name": "quaystream",
        "events_per_s": 90_000,
        "rss_mb": 300,
        "cpu_us_per_event": {"worker": 7.0, "database": 3.0, "broker": 1.0},
    }
    found = constants.fresh({"workloads": [{"contestants": [{"name": "limit"}, entry]}]}, "bench.json")
    assert (found["worker_us_per_event"].value, found["worker_rss_mb"].value) == (7.0, 300)


def test_written_costs_stay_and_comments_with_them(tmp_path: Path, copied: Path) -> None:
    command("--from", str(kept(tmp_path, course())), "--write")
    assert constants.load(copied).measured.worker_us_per_event.value == 6.0
    assert constants.load(copied).measured.wal_bytes_per_event == COMMITTED.measured.wal_bytes_per_event
    lines = copied.read_text(encoding="utf-8").splitlines()
    assert lines[0] == constants.FILE.read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.parametrize("content", [{}, [], {"workloads": []}, {"curves": {}}])
def test_a_file_without_our_figures_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(ConfigurationError, match="no figures of quaystream"):
        command("--from", str(kept(tmp_path, content)))


def test_writing_needs_a_result() -> None:
    with pytest.raises(ConfigurationError, match="--write needs --from"):
        command("--write")


def test_a_file_that_is_not_as_it_must_be_is_refused_with_the_field(tmp_path: Path) -> None:
    file = tmp_path / "capacity.yaml"
    file.write_text("terminal: {}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="measured"):
        constants.load(file)
