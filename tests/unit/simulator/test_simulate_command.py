"""`quaystream simulate` into a file: the same bytes again, a truth beside it, and clear refusals."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from connectors.kafka.outgoing import Outgoing
from connectors.kafka.recording import read_recording
from schemas.errors import ConfigurationError
from streams.cli import simulate

RUN = ["--seed", "9", "--duration", "40s", "--faults", "all"]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("QUAYSTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    simulate.register(app)
    return CliRunner().invoke(app, list(arguments))


def refusal(*arguments: str) -> str:
    result = call(*arguments)
    assert isinstance(result.exception, ConfigurationError), result.output
    return str(result.exception)


def test_the_same_command_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        call(*RUN, "--to", str(tmp_path / f"{name}.jsonl"), "--truth", str(tmp_path / f"{name}.json"))
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_the_truth_counts_the_lines_of_the_file(tmp_path: Path) -> None:
    call(*RUN, "--to", str(tmp_path / "run.jsonl"), "--truth", str(tmp_path / "truth.json"))
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert len((tmp_path / "run.jsonl").read_bytes().splitlines()) == truth["produced"]
    assert truth["start"] == "2026-01-01T00:00:00.000Z"
    assert {"run", "seed", "sources", "accepted", "duplicate", "rejected", "rows", "rollups", "missing_sequences",
            "per_topic", "cycles", "visits"} <= set(truth)  # fmt: skip


def test_json_says_what_was_produced(tmp_path: Path) -> None:
    answer = json.loads(call(*RUN, "--to", str(tmp_path / "run.jsonl"), "--json").stdout)
    assert answer["produced"] == answer["accepted"] + answer["duplicate"] + sum(answer["rejected"].values())
    assert answer["to"] == str(tmp_path / "run.jsonl")


def test_a_written_run_is_read_back_byte_for_byte(tmp_path: Path, play: Callable[..., Any]) -> None:
    path = tmp_path / "run.jsonl"
    assert (
        call("--seed", "3", "--duration", "480s", "--rate-hz", "1", "--faults", "all", "--to", str(path)).exit_code == 0
    )
    read = list(read_recording(path))
    assert all(isinstance(record, Outgoing) for record in read)
    again = [(r.topic, r.key, tuple(r.headers), r.value) for r in read if isinstance(r, Outgoing)]
    assert again == [tuple(record[:4]) for record in play(seed=3, minutes=8, faults="all", rate_hz=1.0).records]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--faults", "gremlins"], "gremlins"),
        (["--duration", "soon"], "--duration soon"),
        (["--start", "yesterday"], "--start yesterday"),
        (["--start", "2026-01-01T00:00:00"], "no offset"),
        (["--rate", "10", "--live"], "--rate and --live"),
        (["--live", "--to", "run.jsonl"], "run.jsonl is a file"),
        (["--to", "nowhere/run.jsonl"], "nowhere/run.jsonl"),
        (["--truth", "nowhere/truth.json"], "nowhere/truth.json"),
        (["--start", "2019-01-01T00:00:00Z"], "QUAYSTREAM_MAX_AGE=90d"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_one_line_that_names_it(arguments: list[str], named: str) -> None:
    message = refusal(*arguments)
    assert named in message
    assert "\n" not in message


def test_a_run_that_would_end_in_the_future_is_refused_unless_live() -> None:
    start = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert "--live" in refusal("--start", start)
