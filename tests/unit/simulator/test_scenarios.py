"""Scenarios: what their files say must be found is what the folds find in the rows they leave, faults or not."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from connectors.simulator import FAULTS, Simulation, SimulationOptions
from connectors.simulator.scenarios import BESIDE, NAMES, duration_of, read_scenario
from connectors.simulator.scenarios.script import names
from schemas.errors import ConfigurationError
from schemas.facts import FACT_TABLES, FactTable
from schemas.identifiers import container_problem
from streams.cli.simulate import SCENARIOS
from streams.facts.crane_cycle import fold_rows
from streams.facts.fact import Fact
from streams.facts.kinds import KEYED
from tests.support.scenarios import Played, played

COLUMNS = {table.name: {column.name: column for column in table.columns} for table in FACT_TABLES}
SCRIPTS = [name for name in NAMES if "told" in read_scenario(name)]
QUAYS = [name for name in NAMES if "quay" in read_scenario(name)]
REMOTE = [name for name in NAMES if {"remote", "factory"} & set(read_scenario(name))]
SHORT = {name: timedelta(minutes=30) if name.startswith("berth") else None for name in QUAYS}
SHORT |= dict.fromkeys(REMOTE, timedelta(minutes=10))


def folded(run: Played) -> Iterator[Fact]:
    for kind in KEYED.values():
        for key, rows in run.by_key(kind.column, *kind.raw):
            yield from kind.fold(key, rows, run.newest)
    cranes = ("port.crane_sample", "port.crane_status", "port.crane_job", "port.crane_assignment")
    for key, rows in run.by_key("crane_id", *cranes):
        told = {table: sorted(some, key=lambda row: (row["time"], row["event_id"])) for table, some in rows.items()}
        yield from fold_rows(key.rpartition("/")[2], told)


def shown(table: str, name: str, value: Any) -> Any:
    """A truth's value as a fold gives it."""
    is_time = COLUMNS[table][name].kind == "time" and value is not None
    return datetime.fromisoformat(value).astimezone(UTC) if is_time else value


def facts_of(run: Played, table: str) -> dict[str, Fact]:
    key = next(fact_table.key for fact_table in FACT_TABLES if fact_table.name == table)
    beside = f"-{BESIDE}"
    return {
        fact.values[key]: fact
        for fact in folded(run)
        if f"port.{fact.kind}" == table and not fact.values.get("cell_id", "").endswith(beside)
    }


def named(table: FactTable, row: dict[str, Any], found: dict[str, Fact]) -> str:
    """The key of the fact a truth's row is about; where it cannot know that, the one that ended then."""
    if table.key in row:
        return str(row[table.key])
    (key,) = [key for key, fact in found.items() if fact.values[table.at] == shown(table.name, table.at, row[table.at])]
    return key


@pytest.mark.parametrize("faults", ["none", "all"])
@pytest.mark.parametrize("name", [*SCRIPTS, *QUAYS])
def test_the_folds_find_the_facts_of_the_truth(name: str, faults: str) -> None:
    run = played(name, faults, SHORT.get(name))
    for table, rows in run.truth["facts"].items():
        found = facts_of(run, table)
        fact_table = next(one for one in FACT_TABLES if one.name == table)
        names = [named(fact_table, row, found) for row in rows]
        assert found.keys() == set(names)
        for name_of_fact, row in zip(names, rows, strict=True):
            values = found[name_of_fact].values
            assert {column: values[column] for column in row} == {c: shown(table, c, v) for c, v in row.items()}


@pytest.mark.parametrize("name", QUAYS)
def test_the_signals_of_a_crane_show_the_cycles_of_the_truth_at_their_moments(name: str) -> None:
    run = played(name, "none", SHORT[name])
    edges: dict[tuple[str, bool], list[datetime]] = {}
    for crane in {row["crane_id"] for row in run.rows["port.crane_sample"]}:
        samples = sorted((r for r in run.rows["port.crane_sample"] if r["crane_id"] == crane), key=lambda r: r["time"])
        for before, after in pairwise(samples):
            if before["spreader_locked"] != after["spreader_locked"]:
                edges.setdefault((crane, after["spreader_locked"]), []).append(after["time"])
    cycles = run.truth["facts"]["port.crane_cycle"]
    for crane in {row["crane_id"] for row in cycles}:
        own = [row for row in cycles if row["crane_id"] == crane]
        locks = [datetime.fromisoformat(row["locked_at"]) for row in own if "locked_at" in row]
        unlocks = [datetime.fromisoformat(row["ended_at"]) for row in own if "ended_at" in row]
        assert (edges[crane, True], edges[crane, False]) == (locks, unlocks)


@pytest.mark.parametrize("name", QUAYS)
def test_every_lift_has_a_job_that_is_delivered_when_the_cycle_ends(name: str) -> None:
    run = played(name, "none", SHORT[name])
    delivered = {row["job_id"]: row for row in run.rows["port.crane_job"] if row["step"] == "delivered"}
    for row in run.truth["facts"]["port.crane_cycle"]:
        if "ended_at" in row:
            job = delivered[row["job_id"]]
            assert (job["time"], job["boxes"]) == (datetime.fromisoformat(row["ended_at"]), row["boxes"])


def test_a_crane_of_a_scenario_moves_as_a_crane_does() -> None:
    rows = sorted(
        (row for row in played("crane_steady").rows["port.crane_sample"] if row["crane_id"].endswith("STS01")),
        key=lambda row: row["time"],
    )
    for before, after in pairwise(rows):
        step_s = (after["time"] - before["time"]).total_seconds()
        assert abs(after["hoist_position_m"] - before["hoist_position_m"]) <= 2.3 * step_s
        assert abs(after["trolley_position_m"] - before["trolley_position_m"]) <= 3.7 * step_s
        if after["spreader_locked"] != before["spreader_locked"]:
            assert after["spreader_landed"]


def test_counters_begin_again_and_everything_else_goes_on() -> None:
    rows = sorted(played("crane_counter_reset").rows["port.crane_sample"], key=lambda row: row["time"])
    falls = [after["time"] for b, after in pairwise(rows) if after["moves_total"] < b["moves_total"]]
    assert len(falls) == 1
    assert rows[-1]["moves_total"] == 5
    assert rows[-1]["energy_total_kwh"] < rows[0]["energy_total_kwh"]


def test_a_plan_tells_when_it_was_said_and_when_it_is_to_happen() -> None:
    rows = played("vessel_call").rows["port.vessel_milestone"]
    start = min(row["time"] for row in rows)
    told = {row["time"] - start: row["expected_time"] - start for row in rows if row["expected_time"]}
    hours = {timedelta(): 6.0, timedelta(hours=1): 30.0, timedelta(hours=2): 31.5}
    assert told == {said: timedelta(hours=expected) for said, expected in hours.items()}


def test_a_twin_lift_is_one_cycle_one_job_and_two_boxes() -> None:
    cycles = played("crane_twin").truth["facts"]["port.crane_cycle"]
    assert sum(row["boxes"] for row in cycles) == 18
    assert {(row["mode"], row["boxes"], row["teu"]) for row in cycles} == {("single", 1, 2.0), ("twin", 2, 2.0)}


def test_a_hatch_cover_is_a_lift_without_a_box() -> None:
    cycles = played("crane_hatch").truth["facts"]["port.crane_cycle"]
    assert [row["boxes"] for row in cycles if row["move_kind"] == "hatch"] == [0, 0, 0]
    assert sum(row["boxes"] for row in cycles) == 9


def test_a_lost_unlock_leaves_two_lifts_of_which_not_every_time_is_known() -> None:
    cycles = played("crane_missing_unlock").truth["facts"]["port.crane_cycle"]
    assert sum(row["boxes"] for row in cycles) == len(cycles) == 10
    first, second = [row for row in cycles if row.get("outcome") == "gap"]
    assert "ended_at" not in first
    assert not {"cycle_id", "started_at", "locked_at", "unladen_s", "laden_s"} & set(second)


def truth_of(name: str, rate_hz: float = 0.01) -> dict[str, Any]:
    simulation = Simulation(SimulationOptions(seed=1, duration=duration_of(name), rate_hz=rate_hz, scenario=name))
    for _ in simulation.records():
        pass
    return simulation.truth()


def test_thirty_instead_of_twenty_seven_boxes_an_hour_shorten_the_stay_by_an_hour_and_a_half() -> None:
    before, after = (truth_of(name)["facts"] for name in ("berth_27_boxes", "berth_30_boxes"))
    for facts, rate in ((before, 27.0), (after, 30.0)):
        (call,) = facts["port.vessel_call"]
        moves = sum(row["boxes"] for row in facts["port.crane_cycle"])
        assert moves == 1200
        assert math.isclose(moves / 3 / (call["cargo_s"] / 3600), rate, rel_tol=1e-4)
    saved_s = before["port.vessel_call"][0]["berth_s"] - after["port.vessel_call"][0]["berth_s"]
    assert saved_s == 5333  # 1.48 h
    assert math.isclose(saved_s / 3600, 1.5, abs_tol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_says_what_it_is_and_takes_what_it_says(name: str) -> None:
    content = read_scenario(name)
    assert set(content) - {"kpis"} in (
        {"lasts", "told", "facts"},
        {"lasts", "quay"},
        {"lasts", "remote"},
        {"lasts", "site", "factory"},
    )
    run = played(name, "none", SHORT.get(name))
    assert run.truth["scenario"] == name
    assert run.truth["facts"] or run.truth["cycles"] or run.truth["radio"]


@pytest.mark.parametrize("name", NAMES)
def test_a_truth_names_only_columns_that_there_are(name: str) -> None:
    for table, rows in played(name, "none", SHORT.get(name)).truth["facts"].items():
        for row in rows:
            assert set(row) <= set(COLUMNS[table])


@pytest.mark.parametrize("name", SCRIPTS)
def test_with_all_faults_nothing_of_a_scenario_is_lost(name: str) -> None:
    quiet, noisy = played(name), played(name, "all")
    for table, rows in quiet.rows.items():
        assert sum(not str(row.get("cell_id", "")).endswith(f"-{BESIDE}") for row in noisy.rows[table]) == len(rows)


def test_faults_reach_a_scenario_and_what_stands_beside_it() -> None:
    noisy = [played(name, "all").truth for name in SCRIPTS]
    assert sum(truth["duplicate"] for truth in noisy) > 10
    reasons = {reason for truth in noisy for reason in truth["rejected"]}
    assert {"undecodable", "invalid_data", "clock_skew", "too_large"} <= reasons
    assert sum(truth["missing_sequences"] for truth in noisy) > 0


def test_an_interrupted_run_says_nothing_of_facts_it_did_not_reach() -> None:
    simulation = Simulation(SimulationOptions(seed=1, duration=timedelta(minutes=34), scenario="crane_twin"))
    for number, _ in enumerate(simulation.records()):
        if number == 2000:
            break
    facts = simulation.truth()["facts"]
    assert 0 < len(facts["port.crane_cycle"]) < 12
    assert "port.vessel_call" not in facts


def test_another_scenario_is_another_run_and_the_same_gives_the_same_bytes() -> None:
    def records(name: str) -> list[Any]:
        options = SimulationOptions(seed=1, duration=timedelta(minutes=5), scenario=name, faults=frozenset(FAULTS))
        return list(Simulation(options).records())

    assert records("gate_two_touches") == records("gate_two_touches")
    assert records("gate_two_touches") != records("gate_out_without_in")


def test_a_scenario_that_there_is_not_and_one_cut_short_are_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="gate_with_dragons"):
        SimulationOptions(seed=1, duration=timedelta(minutes=5), scenario="gate_with_dragons")
    with pytest.raises(ConfigurationError, match="at least 300s"):
        Simulation(SimulationOptions(seed=1, duration=timedelta(minutes=4), scenario="gate_two_touches"))
    with pytest.raises(ConfigurationError, match="733s"):
        Simulation(SimulationOptions(seed=1, duration=timedelta(minutes=5), scenario="berth_27_boxes"))


def test_the_command_names_every_scenario() -> None:
    assert SCENARIOS == NAMES


@pytest.mark.parametrize("run", ["6f68b4090e", "2f827b88ed", "0000000000"])
def test_boxes_of_a_script_are_containers_and_their_misreadings_are_not(run: str) -> None:
    found = names(run)
    for n in range(1, 10):
        assert container_problem(found[f"box{n}"]) is None
        assert container_problem(found[f"box{n}_look_alike"]) == "bad_serial"
        assert str(container_problem(found[f"box{n}_wrong_digit"])).startswith("bad_check_digit")
    assert json.dumps(found)
