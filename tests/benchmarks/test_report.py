"""What people read: tables, the report with its picture, a comparison, and the command that shows a kept result."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from schemas.errors import CheckFailedError, ConfigurationError
from streams.cli.bench import register
from streams.cli.benchmark.report import render, write
from streams.cli.benchmark.tables import comparison, latency, markdown, ms, throughput
from tests.benchmarks.runs import drained, result, three_rounds, waited

LATENCIES = (waited("quaystream", 1_000, 40.0), waited("stock_faust", 1_000, 250.0))
RESULT = result(*three_rounds(), latencies=LATENCIES)


def command(*arguments: str) -> str:
    """What `bench` prints; its errors are raised."""
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def kept(folder: Path, content: object) -> str:
    file = folder / "result.json"
    file.write_text(json.dumps(content))
    return str(file)


def test_the_table_shows_rate_range_and_cost() -> None:
    assert throughput(RESULT["workloads"][0]).rows[0] == (
        *("quaystream", "80,000", "60,000 - 100,000", "7.0", "3.0", "1.0", "300", "ok"),
    )


def test_wrong_rows_are_shouted() -> None:
    shown = throughput(result(drained("limit", 1, 9.0, "one row too few"))["workloads"][0])
    assert shown.rows[0][-1] == "WRONG"


def test_small_waits_keep_a_decimal_and_endless_ones_a_word() -> None:
    assert (ms(4.25), ms(1_234.5), ms(None)) == ("4.2", "1,234", "never")


def test_latency_is_a_row_per_contestant_and_rate() -> None:
    assert [row[:4] for row in latency(RESULT["workloads"][0]).rows] == [
        ("quaystream", "1,000", "20", "40"),
        ("stock_faust", "1,000", "125", "250"),
    ]


def test_the_report_names_machine_figures_and_contestants() -> None:
    text = render(RESULT, "pictures/one.svg")
    for wanted in (
        "![Rates, CPU and latency](pictures/one.svg)",
        "| cpu | a processor |",
        "80,000",
        "0.25",
        "297 bytes",
    ):
        assert wanted in text
    assert "$" not in text
    for name in ("quaystream", "stock_faust", "limit"):
        assert f"- **{name}**" in text


def test_the_report_links_a_picture_that_exists(tmp_path: Path) -> None:
    write(RESULT, tmp_path / "benchmarks.md")
    picture = tmp_path / "benchmarks" / "crane-samples.svg"
    assert "(benchmarks/crane-samples.svg)" in (tmp_path / "benchmarks.md").read_text()
    assert picture.read_text().startswith("<?xml")


def test_the_same_result_draws_the_same_picture(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(RESULT, tmp_path / f"{name}.md")
    pictures = [(tmp_path / name / "crane-samples.svg").read_bytes() for name in ("one", "two")]
    assert pictures[0] == pictures[1]


def test_a_result_without_latencies_can_be_drawn(tmp_path: Path) -> None:
    write(result(*three_rounds()), tmp_path / "r.md")
    assert (tmp_path / "r" / "crane-samples.svg").exists()


def test_comparison_says_what_changed_by_how_much() -> None:
    faster = result(*(drained(run.contestant, run.number, run.events_per_s * 1.5) for run in three_rounds()))
    rows = {row[0]: row[1:] for row in comparison(RESULT, faster).rows}
    assert rows["quaystream events/s"] == ("80000", "120000", "+50%")
    assert rows["ratio to limit"][-1] == "+0%"
    assert "quaystream p99 ms at 1000/s" not in rows


def test_markdown_tables_have_a_ruler() -> None:
    first, ruler, *rows = markdown(throughput(RESULT["workloads"][0])).splitlines()
    assert first.startswith("| contestant | events/s |")
    assert ruler.startswith("| --- | ---: |")
    assert len(rows) == 3


def test_a_kept_result_is_shown_without_running_anything(tmp_path: Path) -> None:
    output = command("--from", kept(tmp_path, RESULT))
    assert "80,000" in output
    assert "quaystream / stock_faust" in output


def test_a_kept_result_is_set_beside_another(tmp_path: Path) -> None:
    file = kept(tmp_path, RESULT)
    assert "+0%" in command("--from", file, "--compare", file)


def test_a_result_with_wrong_rows_fails_the_check(tmp_path: Path) -> None:
    file = kept(tmp_path, result(drained("quaystream", 1, 9.0, "999 rows instead of 1000")))
    with pytest.raises(CheckFailedError, match="crane, quaystream: 999 rows"):
        command("--from", file)


def test_a_file_that_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="bench --json"):
        command("--from", kept(tmp_path, {"machine": {}}))


@pytest.mark.parametrize("rates", ["fast", "0", "1000;5000", "-5"])
def test_rates_that_are_no_numbers_are_refused(rates: str) -> None:
    with pytest.raises(ConfigurationError, match="whole numbers of events/s"):
        command(f"--rates={rates}")
