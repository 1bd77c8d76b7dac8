"""What the radio cost, from simulated events through Kafka and a worker to the numbers, against what the truth says."""

import asyncio
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from connectors.timescale.derived_check import check_radio_losses
from tests.support.events import event, structured
from tests.support.system import System
from tests.support.waiting import wait_until
from tests.support.worker import COMMAND

SITE = "VNHPH-TANVU"
# The site's midnight some days ago: every run lies in one of its days, whenever the test runs.
DAY = datetime.now(UTC).replace(hour=17, minute=0, second=0, microsecond=0) - timedelta(days=4)
SPAN = ("--from", DAY.isoformat(), "--to", (DAY + timedelta(days=1)).isoformat())
SEEDS = (51, 52)
NEAR_S = 3.0


def simulated(system: System, file: Path, scenario: str, seed: int, hour: float, *more: str) -> dict[str, Any]:
    """Play a scenario from an hour of the day on; what its truth says of the radio."""
    start = (DAY + timedelta(hours=hour)).isoformat()
    options = ("--scenario", scenario, "--seed", str(seed), "--rate-hz", "1", "--start", start, "--truth", str(file))
    arguments = [*COMMAND, "simulate", *options, *more]
    # Hours of four cranes are some ten thousand records: longer than a command usually may take.
    done = subprocess.run(
        arguments, env=dict(system.environment), capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(file.read_text(encoding="utf-8")))


def attributed(system: System) -> list[dict[str, Any]]:
    done = system.command("kpi", "attribution", *SPAN, "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def scored(system: System, truths: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Right, wrong and missed cycles; one is another's where it locked within 3 s."""
    rows = system.database.rows(
        "SELECT asset_id, extract(epoch FROM c.locked_at)::float8, c.outcome = 'aborted', l.outcome = 'attributed' "
        "FROM kpi.radio_loss AS l JOIN port.crane_cycle AS c USING (site, cycle_id)"
    )
    hindered = [
        (row["crane_id"], datetime.fromisoformat(row["locked_at"]).timestamp(), kind == "aborted")
        for truth in truths
        for kind in ("slowed", "aborted")
        for row in truth["radio"].get(kind, [])
    ]
    right = wrong = 0
    for crane, locked_s, is_aborted, is_attributed in rows:
        same = [h for h in hindered if h[0] == crane and h[2] == is_aborted and abs(h[1] - locked_s) < NEAR_S]
        right += bool(same) and is_attributed
        wrong += not same and is_attributed
    return right, wrong, len(hindered) - right


@pytest.mark.timeout(1200)
def test_lost_moves_are_found_stated_explained_and_restated(system: System, tmp_path: Path) -> None:
    truths = [
        simulated(system, tmp_path / f"{seed}.json", "radio_fades", seed, 1 + 4 * n) for n, seed in enumerate(SEEDS)
    ]
    system.workers.ready()
    system.verified()
    days = attributed(system)
    right, wrong, missed = scored(system, truths)
    precision, recall = right / (right + wrong), right / (right + missed)
    print(f"{right} right, {wrong} wrong, {missed} missed: precision {precision:.3f}, recall {recall:.3f}")
    assert precision >= 0.9
    assert recall >= 0.8
    _check_days(days, right + wrong)
    good_by_ignorance = "SELECT count(*) FROM kpi.radio_loss WHERE known_s < 0.5 * worked_s AND outcome = 'good'"
    assert system.database.value(good_by_ignorance) == 0
    _check_numbers(system, days)
    _check_late(system)
    _check_again(system)


def _check_again(system: System) -> None:
    """Made again from its rows nothing differs; what was changed by hand does."""

    async def differences() -> list[str]:
        owner = await asyncpg.connect(system.database.owner_dsn)
        try:
            async with owner.transaction(isolation="repeatable_read", readonly=True):
                return await check_radio_losses(owner)
        finally:
            await owner.close()

    assert asyncio.run(differences()) == []
    system.database.rows(
        "UPDATE kpi.radio_loss SET lost_s = 77 WHERE cycle_id = (SELECT min(cycle_id) FROM kpi.radio_loss)"
    )
    (line,) = asyncio.run(differences())
    assert line.startswith("radio_loss ")
    assert "lost_s is 77.0, folded " in line


def _check_days(days: list[dict[str, Any]], attributed_cycles: int) -> None:
    assert [day["asset_id"] for day in days] == [f"{SITE}-STS0{n}" for n in range(1, 5)]
    assert sum(day["attributed"] for day in days) == attributed_cycles
    for day in days:
        assert day["moves_low"] <= day["moves_lost"] <= day["moves_high"]
        # The cycle that spans the hours between two runs: hardly anything is known of its radio, unless that was bad.
        assert day["unknown"] <= len(SEEDS) - 1
        assert day["completeness"] == pytest.approx(1 - day["unknown"] / day["cycles"])
        assert day["revision"] == 1


def _check_numbers(system: System, days: list[dict[str, Any]]) -> None:
    """`show` says the same sum, `explain` lists the cycles behind it."""
    done = system.command("kpi", "show", "radio_moves_lost", "--site", SITE, *SPAN, "--by", "period", "--json")
    assert done.returncode == 0, done.stderr
    (whole,) = [row for row in json.loads(done.stdout) if row["asset"] is None]
    assert abs(whole["value"] - sum(day["moves_lost"] for day in days)) < 1e-6
    assert whole["n"] == sum(day["cycles"] - day["unknown"] for day in days)
    done = system.command("kpi", "explain", "radio_moves_lost", "--site", SITE, *SPAN, "--json")
    evidence = json.loads(done.stdout)["evidence"]
    told = [row for row in evidence if row["excluded"] is None]
    assert len(told) == sum(day["attributed"] for day in days)
    assert abs(sum(row["said"]["moves_lost"] for row in told) - whole["value"]) < 0.001 * len(told)


def _check_late(system: System) -> None:
    """Nothing changes by asking again; readings that turn up late restate their day, and are told."""
    attributed(system)
    restated = "SELECT count(*) FROM kpi.restatement WHERE kind IN ('radio_loss', 'radio_attribution')"
    assert system.database.value(restated) == 0
    (crane, began, ended) = system.database.rows(
        "SELECT asset_id, started_at, ended_at FROM kpi.radio_loss WHERE outcome = 'good' ORDER BY ended_at LIMIT 1"
    )[0]
    _say_bad_radio(system, crane, began, ended)
    attributed(system)
    ((outcome, revision),) = system.database.rows(
        "SELECT outcome, revision FROM kpi.radio_loss WHERE asset_id = %s AND started_at = %s", crane, began
    )
    assert (outcome == "good", revision) == (False, 2)
    # The cycle, and those compared with it; the day itself goes on, so that it changes without a restatement.
    assert system.database.value(restated) >= 1


def _say_bad_radio(system: System, crane: str, began: datetime, ended: datetime) -> None:
    seconds = int((ended - began).total_seconds())
    before = system.outcomes()
    for second in range(5, seconds - 5):
        for half in (0, 0.5):
            at = (began + timedelta(seconds=second + half)).isoformat(timespec="milliseconds")
            data = {"rtt_ms": 250.0, "loss_ratio": 0.2}
            system.send(structured(event("cell.radio", data, subject=f"{crane}_UE", time=at)))
    system.await_outcomes(before + 2 * (seconds - 10))


@pytest.mark.timeout(600)
def test_a_factory_without_a_crane_has_its_radio_its_cells_and_what_the_radio_cost(
    system: System, tmp_path: Path
) -> None:
    truth = simulated(system, tmp_path / "t.json", "factory_fades", 7, 2)
    system.workers.ready()
    system.verified("--truth", str(tmp_path / "t.json"))
    tables = ("port.crane_sample", "port.crane_cycle", "port.crane_job", "port.crane_status")
    assert {table: system.database.total(table) for table in tables} == dict.fromkeys(tables, 0)
    for table in ("port.device_trip", "port.radio_minute", "port.cell_minute", "port.cell_heartbeat"):
        assert system.database.total(table, "site = 'VNHPH-DEEPC2'") == system.database.total(table) > 0, table
    days = attributed(system)
    moving = [*(f"AGV0{n}" for n in range(1, 7)), "ROBOT01", "ROBOT02"]
    assert [day["asset_id"] for day in days] == [f"VNHPH-DEEPC2-{name}" for name in moving]
    found = system.database.rows("SELECT cycle_id FROM kpi.radio_loss WHERE outcome = 'attributed'")
    hindered = {f"{row['asset_id']}/{row['trip_id']}" for row in truth["radio"]["trips"]}
    right = sum(cycle_id in hindered for (cycle_id,) in found)
    print(f"trips: {right} right, {len(found) - right} wrong, {len(hindered) - right} missed")
    assert right / len(found) >= 0.9
    assert right > len(hindered) / 2
    done = system.command("kpi", "show", "radio_moves_lost", "--site", "VNHPH-DEEPC2", *SPAN, "--by", "day", "--json")
    whole = {row["part"]: row["n"] for row in json.loads(done.stdout) if row["asset"] is None}
    expected = {kind: sum(day["cycles"] for day in days if f"-{kind}" in day["asset_id"]) for kind in ("AGV", "ROBOT")}
    assert whole == expected
    # Sensors say that they are there, and are judged by what sensors are asked for.
    profiles = (
        "SELECT DISTINCT profile FROM port.sla_minute WHERE device_id LIKE '%SENSOR%' AND profile NOT LIKE '5qi%'"
    )
    wait_until(
        lambda: system.database.rows(profiles) == [("process-monitoring",)], 60, "the sensors' minutes are judged"
    )
