"""`quaystream verify` as it is called: its answers and its exits."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from schemas.errors import CheckFailedError, ConfigurationError, ServiceUnreachableError
from streams.cli import verify as verify_command

LEDGER = Path(__file__).parents[1] / "data" / "ledger"


@pytest.fixture
def command(database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `verify` with arguments against the database."""
    for name, dsn in (("OWNER", database.owner_dsn), ("DATABASE", database.worker_dsn)):
        monkeypatch.setenv(f"QUAYSTREAM_{name}_URL", dsn)
        monkeypatch.delenv(f"QUAYSTREAM_{name}_PASSWORD_FILE", raising=False)
    monkeypatch.setenv("QUAYSTREAM_HOME", "/nonexistent")
    app = typer.Typer()
    verify_command.register(app)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def fill(database: Any, change: str = "") -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute((LEDGER / "port.sql").read_bytes())
        if change:
            connection.execute(change.encode())


def test_verify_answers_in_json(database: Any, command: Any) -> None:
    fill(database)
    result = command("--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert answer["ok"]
    assert {line["topic"] for line in answer["partitions"]} == {"crane-events", "gate-events", "cell-events"}
    assert answer["differences"] == []


def test_verify_lists_the_differences_and_fails(database: Any, command: Any) -> None:
    fill(database, "DELETE FROM ingest.dead_letter")
    result = command()
    assert isinstance(result.exception, CheckFailedError)
    assert "crane-events[0]: 1 rejected, but 0 dead letters" in result.stdout.splitlines()


def test_verify_judges_a_run(database: Any, command: Any) -> None:
    fill(database, "UPDATE ingest.source_tally SET accepted = 0")
    result = command("--truth", str(LEDGER / "truth.json"), "--json")
    assert isinstance(result.exception, CheckFailedError)
    assert json.loads(result.stdout)["differences"] == ["truth: 0 records accepted, expected 10"]


def test_verify_wants_a_truth_file(command: Any, tmp_path: Path) -> None:
    (tmp_path / "not.json").write_text('{"run": "x"}')
    for name in ("absent.json", "not.json"):
        assert isinstance(command("--truth", str(tmp_path / name)).exception, ConfigurationError)


def test_verify_says_when_the_broker_is_away(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_BROKERS", "127.0.0.1:1")
    assert isinstance(command("--wait", "1s").exception, ServiceUnreachableError)


def test_verify_wants_a_duration(command: Any) -> None:
    assert isinstance(command("--wait", "soon").exception, ConfigurationError)


@pytest.mark.parametrize(
    "change",
    [
        "",
        "DELETE FROM ingest.dead_letter",
        "UPDATE port.gate_minute SET steps = steps + 1",
        "UPDATE port.gate_minute SET ocr_corrected = ocr_corrected + 1",
    ],
)
def test_verify_finds_the_same_without_the_owner_s_address(
    command: Any, database: Any, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    fill(database, change)
    by_owner = json.loads(command("--json").stdout)
    assert by_owner["ok"] == (not change)
    monkeypatch.delenv("QUAYSTREAM_OWNER_URL")
    assert json.loads(command("--json").stdout) == by_owner
