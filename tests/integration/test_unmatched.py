"""`kpi unmatched`: lifts without a job and jobs without a lift, per crane and shift, as the reader."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from streams.cli import kpi as kpi_command
from tests.support.databases import Database
from tests.support.kpis import SITE, fact, load

CRANE = f"{SITE}-STS01"
DAY = ("--site", SITE, "--from", "2026-01-05", "--to", "2026-01-06")
CYCLES = [
    {"cycle_id": "matched", "ended_at": "08:02", "boxes": 1, "job_id": "J1"},
    {"cycle_id": "alone", "ended_at": "08:12", "boxes": 1, "job_id": None},
    {"cycle_id": "twin", "ended_at": "08:22", "boxes": 2, "mode": "twin", "job_id": "J2"},
    {"cycle_id": "cover", "ended_at": "08:32", "boxes": 0, "outcome": "hatch", "job_id": "J4"},
    # The afternoon begins at 07:00 UTC: this one is of the morning.
    {"cycle_id": "early", "ended_at": "06:59", "boxes": 1, "job_id": None},
]
JOBS = [
    {"time": "08:02", "job_id": "J1", "boxes": 1},
    {"time": "08:22:01", "job_id": "J2", "boxes": 1},
    {"time": "08:22:03", "job_id": "J3", "boxes": 1},  # the other box of the twin lift
    {"time": "08:32", "job_id": "J4", "boxes": 0, "move_kind": "hatch"},
    {"time": "08:40", "job_id": "J5", "boxes": 1},
    {"time": "08:41", "job_id": "J5", "boxes": 1},  # delivered twice: one job
]


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    cycles = [fact("port.crane_cycle", started_at=one["ended_at"], **one) for one in CYCLES]
    jobs = [fact("port.crane_job", step="delivered", **one) for one in JOBS]
    load(database.owner_dsn, [*cycles, *jobs])
    monkeypatch.setenv("QUAYSTREAM_HOME", "/nonexistent")
    monkeypatch.setenv("QUAYSTREAM_READER_URL", database.reader_dsn)
    monkeypatch.delenv("QUAYSTREAM_READER_PASSWORD_FILE", raising=False)
    app = typer.Typer()
    kpi_command.register(app)
    return lambda *arguments: CliRunner().invoke(app, ["kpi", "unmatched", *arguments])


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_what_found_no_partner_is_listed_on_both_sides_of_each_shift(run: Callable[..., Result]) -> None:
    rows = answer(run("--site", SITE, "--from", "2026-01-04T23:00:00", "--to", "2026-01-06", "--json"))
    said = [
        (row["shift"], row["real_boxes"], row["confirmed_boxes"], row["cycles_without_job"], row["jobs_without_cycle"])
        for row in rows
    ]
    assert said == [("morning", 1, 0, ["early"], []), ("afternoon", 4, 4, ["alone"], ["J5"])]
    assert {row["crane_id"] for row in rows} == {CRANE}


def test_a_person_reads_one_line_for_each_and_the_sums(run: Callable[..., Result]) -> None:
    result = run(*DAY)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[-2:] for line in lines if CRANE in line] == [["lift", "alone"], ["job", "J5"]]
    assert "4 boxes really moved, 4 confirmed by jobs." in result.stdout


def test_of_another_crane_there_is_nothing(run: Callable[..., Result]) -> None:
    assert answer(run(*DAY, "--asset", f"{SITE}-STS02", "--json")) == []
