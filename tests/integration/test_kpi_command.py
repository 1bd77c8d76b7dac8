"""`kpi` shows numbers with what they rest on, as the reader, and says plainly what it was asked wrongly."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from schemas.errors import ConfigurationError
from schemas.kpi import current_definitions
from streams.cli import kpi as kpi_command
from tests.support.databases import Database
from tests.support.kpis import SITE, fact, load

Command = Callable[..., Result]
DAY = ("--site", SITE, "--from", "2026-01-05", "--to", "2026-01-06")


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `kpi` against a shift of a crane and four visits, as the reader."""
    rows = [*current_definitions()["net_crane_rate"].example.rows, *current_definitions()["touch_points"].example.rows]
    bad = fact("port.crane_cycle", started_at="15:58", ended_at="15:59", boxes=0, outcome="invalid")
    load(database.owner_dsn, [*rows, bad])
    monkeypatch.setenv("QUAYSTREAM_HOME", "/nonexistent")
    monkeypatch.setenv("QUAYSTREAM_READER_URL", database.reader_dsn)
    monkeypatch.setenv("QUAYSTREAM_OWNER_URL", database.owner_dsn)
    for name in ("READER", "OWNER"):
        monkeypatch.delenv(f"QUAYSTREAM_{name}_PASSWORD_FILE", raising=False)
    app = typer.Typer()
    kpi_command.register(app)
    return lambda *arguments: CliRunner().invoke(app, ["kpi", *arguments])


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_list_names_every_kpi(run: Command) -> None:
    found = answer(run("list", "--json"))
    assert {one["id"] for one in found} == set(current_definitions())
    assert "gross_crane_rate" in run("list").stdout


def test_show_says_value_basis_and_definition(run: Command) -> None:
    result = run("show", "net_crane_rate", *DAY, "--by", "period")
    assert result.exit_code == 0, result.exception
    assert "31.54" in result.stdout
    assert "Source: Goussiatiner" in result.stdout


def test_show_by_shift_splits_at_the_sites_clock(run: Command) -> None:
    rows = answer(run("show", "boxes_per_cycle", *DAY, "--by", "shift", "--asset", f"{SITE}-STS01", "--json"))
    # The morning shift of the next day begins at 23:00 UTC: the crane is known and did nothing.
    assert [(row["shift"], row["numerator"]) for row in rows] == [("afternoon", 168), ("night", 16), ("morning", 0)]
    assert {row["kpi_version"] for row in rows} == {1}


def test_explain_lists_what_counted_and_why_the_rest_did_not(run: Command) -> None:
    found = answer(run("explain", "net_crane_rate", *DAY, "--asset", f"{SITE}-STS01", "--json"))
    kinds = [row["kind"] for row in found["evidence"]]
    assert (kinds.count("cycle"), kinds.count("allocated"), kinds.count("delay")) == (185, 1, 4)
    assert [row["excluded"] for row in found["evidence"] if row["excluded"]] == ["unlocked in the air"]
    assert found["numbers"][0]["value"] == pytest.approx(31.542857)
    counted = [row["said"]["boxes"] for row in found["evidence"] if row["kind"] == "cycle" and not row["excluded"]]
    assert sum(counted) == found["numbers"][0]["numerator"]


@pytest.mark.parametrize("kpi", sorted(current_definitions()))
def test_every_kpi_can_be_explained(run: Command, kpi: str) -> None:
    found = answer(run("explain", kpi, *DAY, "--json"))
    assert found["kpi"] == current_definitions()[kpi].name


def test_explain_in_words_ends_with_the_division(run: Command) -> None:
    assert "touch_points = 18 ÷ 4 = 4.5 step" in run("explain", "touch_points", *DAY).stdout


def test_a_baseline_is_set_shown_and_compared(run: Command) -> None:
    assert "are the baseline now" in run("baseline", "set", *DAY, "--note", "before").stdout
    assert {row["note"] for row in answer(run("baseline", "show", "--json"))} == {"before"}
    found = {row["kpi_id"]: row for row in answer(run("effect", *DAY, "--json"))}
    assert found["gross_crane_rate"]["ratio"] == pytest.approx(1.0)
    assert "+0.0 %" in run("effect", *DAY).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "bananas", *DAY), "there is no KPI bananas"),
        (("show", "mtbf", "--site", "VNHPH-NOWHERE", *DAY[2:]), "there is no site VNHPH-NOWHERE"),
        (("show", "mtbf", *DAY[:2], "--from", "2026-01-06", "--to", "2026-01-05"), "is not before"),
        (("show", "mtbf", *DAY[:2], "--from", "noon", "--to", "2026-01-05"), "is not a time"),
    ],
    ids=["kpi", "site", "order", "time"],
)
def test_what_was_asked_wrongly_is_said_plainly(run: Command, arguments: tuple[str, ...], says: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, ConfigurationError)
    assert says in str(result.exception)
