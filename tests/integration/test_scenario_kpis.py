"""Scenarios through Kafka and a worker, with every fault and some without: facts and KPIs are those of the truth."""

from pathlib import Path

import pytest

from connectors.simulator.scenarios import NAMES, read_scenario
from tests.support.system import System

# The others are of the radio network: tests/integration/test_radio_attribution.py plays them.
STATED = [name for name in NAMES if "kpis" in read_scenario(name) or name.startswith("cell_")]
BERTHS = {"berth_27_boxes", "berth_30_boxes"}
WITHOUT = ("berth_27_boxes", "cargo_release", "crane_steady", "gate_twelve_touches", "vessel_call")
PLAYED = [(name, "all") for name in STATED if name != "berth_27_boxes"] + [(name, "none") for name in WITHOUT]


def test_every_scenario_is_played() -> None:
    assert {name for name, _ in PLAYED} == set(STATED) >= BERTHS


# The ships of 1,200 boxes are 330,000 records each, folded twice: one is played with faults, one without.
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "faults"), PLAYED)
def test_a_scenario_ends_in_the_facts_and_kpis_of_its_truth(
    system: System, tmp_path: Path, name: str, faults: str
) -> None:
    truth = tmp_path / "t.json"
    done = system.command("simulate", "--scenario", name, "--seed", "7", "--faults", faults, "--truth", str(truth))
    assert done.returncode == 0, done.stderr
    system.workers.ready()
    system.verified("--wait", "300s", "--facts", "--truth", str(truth))
