"""Scenarios with known answers, through Kafka and a worker: the facts are those of the truth, and fold again the same."""

from pathlib import Path

import pytest

from tests.support.system import System

SCENARIOS = (
    *("gate_twelve_touches", "gate_two_touches", "gate_out_without_in", "gate_never_ends", "ocr_wrong_digit"),
    *("cargo_release", "cargo_returns", "vessel_call"),
    *("crane_steady", "crane_twin", "crane_hatch", "crane_counter_reset"),
    *("berth_27_boxes", "berth_30_boxes"),
)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_ends_in_the_facts_of_its_truth(system: System, tmp_path: Path, scenario: str) -> None:
    truth = tmp_path / "t.json"
    done = system.command("simulate", "--scenario", scenario, "--truth", str(truth))
    assert done.returncode == 0, done.stderr
    worker = system.workers.start("--until-caught-up")
    assert worker.ended(90) == 0, worker.log()
    done = system.command("verify", "--facts", "--truth", str(truth))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_facts_of_a_whole_port_with_every_fault_fold_again_the_same(system: System) -> None:
    done = system.command("simulate", "--seed", "11", "--duration", "10m", "--faults", "all")
    assert done.returncode == 0, done.stderr
    worker = system.workers.start("--until-caught-up")
    assert worker.ended(90) == 0, worker.log()
    done = system.command("verify", "--facts")
    assert done.returncode == 0, done.stdout + done.stderr
    assert system.database.total("port.crane_cycle") > 0
    assert system.database.total("port.gate_visit") > 0
