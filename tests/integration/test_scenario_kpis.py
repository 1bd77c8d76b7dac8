"""Every scenario through Kafka and a worker, without faults and with all: facts and KPIs are those of the truth."""

from pathlib import Path

import pytest

from connectors.simulator.scenarios import NAMES
from tests.support.system import System


# The ships of 1,200 boxes are 330,000 records each, folded twice.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("faults", ["none", "all"])
@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_ends_in_the_facts_and_kpis_of_its_truth(
    system: System, tmp_path: Path, name: str, faults: str
) -> None:
    truth = tmp_path / "t.json"
    done = system.command("simulate", "--scenario", name, "--seed", "7", "--faults", faults, "--truth", str(truth))
    assert done.returncode == 0, done.stderr
    system.workers.ready()
    system.verified("--wait", "300s", "--facts", "--truth", str(truth))
