"""Exports are what the table holds between two times, typed, and without personal columns."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from connectors.sharing.audit import EgressRefusedError
from schemas.errors import ConfigurationError
from streams.cli import export as export_command

LEDGER = Path(__file__).parents[1] / "data" / "ledger"
Command = Callable[..., Result]


@pytest.fixture
def run(database: Any, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `export` against a small port, as the reader."""
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute((LEDGER / "port.sql").read_bytes())
    monkeypatch.setenv("QUAYSTREAM_HOME", "/nonexistent")
    monkeypatch.setenv("QUAYSTREAM_READER_URL", database.reader_dsn)
    monkeypatch.delenv("QUAYSTREAM_READER_PASSWORD_FILE", raising=False)
    app = typer.Typer()
    export_command.register(app)
    return lambda *arguments: CliRunner().invoke(app, list(map(str, arguments)))


def test_a_parquet_file_has_the_rows_between_two_times(run: Command, tmp_path: Path) -> None:
    out = tmp_path / "samples.parquet"
    result = run("port.crane_sample", "--from", "2026-01-01T08:00:50Z", "--to", "2026-01-01T16:00+07:00", "--out", out)
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith("2 rows with 25 columns")
    table = pq.read_table(out)
    assert table["event_id"].to_pylist() == ["b", "c"]
    assert table["load_t"].to_pylist() == [10.2, None]
    assert table["time"].to_pylist()[0] == datetime(2026, 1, 1, 8, 0, 50, tzinfo=UTC)
    types = {
        name: table.schema.field(name).type for name in ("time", "moves_total", "spreader_locked", "partition", "extra")
    }
    assert list(types.values()) == [pa.timestamp("us", tz="UTC"), pa.int64(), pa.bool_(), pa.int16(), pa.string()]
    assert [path.name for path in tmp_path.iterdir()] == ["samples.parquet"]


def test_a_csv_file_has_a_heading_and_every_row(run: Command, tmp_path: Path) -> None:
    out = tmp_path / "cells.csv"
    assert run("cell_minute", "--format", "csv", "--out", out).exit_code == 0
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["samples"]) for row in rows] == [("DRB.UEThpDl", "2"), ("DRB.UEThpDl", "1")]
    assert rows[0]["labels"] == '{"bin": 1, "qos": "9"}'


@pytest.mark.parametrize(
    ("table", "absent", "present"),
    [
        ("port.gate_step", {"truck_plate"}, "visit_id"),
        ("port.ocr_read", {"value", "corrected_value"}, "confidence"),
        ("port.crane_assignment", {"operator_ref"}, "call_id"),
        ("ingest.dead_letter", {"payload", "key", "headers", "detail"}, "reason"),
    ],
)
def test_personal_columns_stay_out(run: Command, tmp_path: Path, table: str, absent: set[str], present: str) -> None:
    out = tmp_path / "out.parquet"
    assert run(table, "--out", out).exit_code == 0
    names = set(pq.read_schema(out).names)
    assert present in names
    assert not absent & names


def test_personal_columns_stay_out_even_for_a_role_that_may_read_them(
    run: Command, database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUAYSTREAM_READER_URL", database.owner_dsn)
    out = tmp_path / "out.parquet"
    assert run("port.ocr_read", "--out", out).exit_code == 0
    assert not {"value", "corrected_value"} & set(pq.read_schema(out).names)


def test_nothing_matches_is_an_empty_file_with_its_columns(run: Command, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert run("port.gate_minute", "--from", "2030-01-01", "--out", out).exit_code == 0
    assert pq.read_table(out).num_rows == 0
    assert "lane" in pq.read_schema(out).names


def test_a_day_view_and_a_table_without_time_are_exported_too(run: Command, tmp_path: Path) -> None:
    assert run("port.crane_day", "--out", tmp_path / "day.parquet").exit_code == 0
    assert pq.read_table(tmp_path / "day.parquet")["samples"].to_pylist() == [4]
    assert run("port.site", "--out", tmp_path / "site.parquet").exit_code == 0
    assert pq.read_table(tmp_path / "site.parquet").num_rows > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("port.nothing", "--out", "new"), "no table port.nothing"),
        (("pg_catalog.pg_authid", "--out", "new"), "no table pg_catalog.pg_authid"),
        (("port.site", "--from", "2026-01-01", "--out", "new"), "has no time"),
        (("port.gate_step", "--from", "yesterday", "--out", "new"), "--from yesterday"),
        (("port.gate_step", "--out", "there"), "exists already"),
        (("port.gate_step", "--out", "no/such/folder"), "cannot write"),
    ],
)
def test_what_cannot_be_exported_is_said(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").touch()
    error = run(*arguments).exception
    assert isinstance(error, ConfigurationError)
    assert said in str(error)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_what_is_important_does_not_go_abroad_and_every_attempt_is_audited(
    run: Command, database: Any, tmp_path: Path
) -> None:
    abroad = ("--destination", "SG")
    refused = run("port.gate_step", *abroad, "--out", tmp_path / "a.parquet")
    assert isinstance(refused.exception, EgressRefusedError)
    assert list(tmp_path.iterdir()) == []
    assert run("port.crane_cycle", *abroad, "--out", tmp_path / "b.parquet").exit_code == 0
    assert run("port.gate_step", "--destination", "home", "--out", tmp_path / "c.parquet").exit_code != 0
    assert run("port.gate_step", "--out", tmp_path / "d.parquet").exit_code == 0
    rows = database.rows("SELECT object, destination, outcome, who FROM share.audit ORDER BY audit_id")
    assert [row[:3] for row in rows] == [
        ("port.gate_step", "SG", "refused"),
        ("port.crane_cycle", "SG", "allowed"),
        ("port.gate_step", "home", "refused"),
        ("port.gate_step", "VN", "allowed"),
    ]
    assert {row[3] for row in rows} == {"quaystream_reader"}


def test_where_the_audit_cannot_be_written_nothing_is_exported(run: Command, database: Any, tmp_path: Path) -> None:
    database.rows("DROP FUNCTION share.note(text, text, text, text, text, text, text[], bigint, text)")
    assert run("port.crane_minute", "--out", tmp_path / "a.parquet").exit_code != 0
    assert list(tmp_path.iterdir()) == []
