"""Scenarios through Kafka and a worker, with every fault: the database shows the facts of the truth."""

from pathlib import Path

import pytest

from tests.support.system import System


@pytest.mark.parametrize(
    "name",
    [
        *(
            "gate_twelve_touches",
            "gate_two_touches",
            "cargo_release",
            "vessel_call",
            "crane_twin",
            "crane_missing_unlock",
        ),
        *("cell_flapping", "cell_alarm_without_clear", "cell_heartbeat_lost"),
    ],
)
def test_a_scenario_with_every_fault_ends_in_the_facts_of_its_truth(system: System, tmp_path: Path, name: str) -> None:
    truth = tmp_path / "t.json"
    done = system.command("simulate", "--scenario", name, "--seed", "7", "--faults", "all", "--truth", str(truth))
    assert done.returncode == 0, done.stderr
    system.workers.ready()
    system.verified("--truth", str(truth))
