"""A simulated port with every fault, through Kafka and a worker: the database shows exactly the truth."""

import json
from pathlib import Path

from tests.support.system import System


def test_ten_minutes_of_a_port_with_every_fault_end_as_the_truth_says(system: System, tmp_path: Path) -> None:
    truth = tmp_path / "t.json"
    done = system.command("simulate", "--seed", "7", "--duration", "10m", "--faults", "all", "--truth", str(truth))
    assert done.returncode == 0, done.stderr
    system.workers.ready()
    ledger = system.verified("--truth", str(truth))
    expected = json.loads(truth.read_text())
    assert ledger.total("accepted") == expected["accepted"] > 40_000
    assert ledger.total("duplicate") == expected["duplicate"] > 0
    assert ledger.total("rejected") == sum(expected["rejected"].values()) > 0


def test_a_run_sent_twice_stores_nothing_new(system: System, tmp_path: Path) -> None:
    truth, start = tmp_path / "t.json", "2026-11-01T00:00:00Z"
    run = ("simulate", "--seed", "3", "--duration", "60s", "--start", start, "--truth", str(truth))
    for _ in range(2):
        done = system.command(*run)
        assert done.returncode == 0, done.stderr
    system.workers.ready()
    ledger = system.verified("--truth", str(truth))
    expected = json.loads(truth.read_text())
    assert ledger.total("accepted") == expected["accepted"]
    assert ledger.total("duplicate") == expected["duplicate"] + expected["produced"]


def test_the_same_seed_gives_the_same_bytes(system: System, tmp_path: Path) -> None:
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for file in files:
        done = system.command("simulate", "--seed", "7", "--duration", "60s", "--faults", "all", "--to", str(file))
        assert done.returncode == 0, done.stderr
    assert files[0].read_bytes() == files[1].read_bytes() != b""


def test_a_run_whose_rows_are_not_the_truth_s_fails_and_says_which(system: System, tmp_path: Path) -> None:
    truth = tmp_path / "t.json"
    done = system.command("simulate", "--seed", "5", "--duration", "60s", "--truth", str(truth))
    assert done.returncode == 0, done.stderr
    system.workers.ready()
    system.verified("--truth", str(truth))
    system.database.rows("UPDATE port.crane_minute SET samples = samples + 1 RETURNING bucket")
    done = system.command("verify", "--truth", str(truth))
    assert done.returncode == 1
    assert "port.crane_minute" in done.stdout
