"""Scenarios with known answers, through Kafka and a worker: the facts are those of the truth, and fold again the same."""

from pathlib import Path

import pytest

from tests.support.system import System

SCENARIOS = (
    *("gate_twelve_touches", "gate_two_touches", "gate_out_without_in", "gate_never_ends", "ocr_wrong_digit"),
    *("cargo_release", "cargo_returns", "vessel_call"),
    *("crane_steady", "crane_twin", "crane_hatch", "crane_counter_reset"),
    *("berth_27_boxes", "berth_30_boxes"),
    *("cell_flapping", "cell_alarm_without_clear", "cell_heartbeat_lost"),
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
    assert system.database.total("port.cell_alarm") > 0


def test_every_minute_of_a_whole_port_is_judged_by_what_is_asked_of_its_device(system: System) -> None:
    done = system.command("simulate", "--seed", "11", "--duration", "10m", "--faults", "lateness,duplicates")
    assert done.returncode == 0, done.stderr
    worker = system.workers.start("--until-caught-up")
    assert worker.ended(90) == 0, worker.log()
    minutes = "SELECT device_id, bucket, samples FROM port.radio_minute ORDER BY 1, 2"
    judged = "SELECT DISTINCT device_id, bucket, samples FROM port.sla_minute WHERE profile !~ '^5qi' ORDER BY 1, 2"
    assert system.database.rows(judged) == system.database.rows(minutes)
    # Worked out by the database from the raw rows: mobile robots, where the survival time of 50 ms of a reading every
    # 0.5 s is a loss of a tenth, which the simulator never plays.
    bad = """
        SELECT s.device_id, s.bucket FROM port.sla_minute AS s
        JOIN (
            SELECT device_id, time_bucket('1 minute', time) AS bucket, count(*) AS n,
                   count(*) FILTER (WHERE rtt_ms > CASE WHEN handover THEN 150 ELSE 100 END) AS bad
            FROM port.radio_sample GROUP BY 1, 2
        ) AS r USING (device_id, bucket)
        WHERE s.profile = 'mobile-robot-control'
            AND (s.good, s.bad, s.state) IS DISTINCT FROM (r.n - r.bad, r.bad, CASE
                WHEN r.n < 10 THEN 'unknown' WHEN r.bad > 0.01 * r.n THEN 'out' ELSE 'in' END)
    """
    assert system.database.rows(bad) == []
    assert system.database.total("port.sla_minute", "profile = 'mobile-robot-control'") > 100
