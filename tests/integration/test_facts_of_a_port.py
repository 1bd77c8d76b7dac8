"""The facts of a whole port with every fault, through Kafka and a worker: folded again they are the same."""

from tests.support.system import System


def test_the_facts_of_a_whole_port_with_every_fault_fold_again_the_same(system: System) -> None:
    done = system.command("simulate", "--seed", "11", "--duration", "10m", "--faults", "all")
    assert done.returncode == 0, done.stderr
    worker = system.workers.start("--until-caught-up")
    assert worker.ended(90) == 0, worker.log()
    done = system.command("verify", "--facts")
    assert done.returncode == 0, done.stdout + done.stderr
    assert system.database.total("port.crane_cycle") > 0
    assert system.database.total("port.gate_visit") > 0
    assert system.database.total("port.cell_alarm") > 0
