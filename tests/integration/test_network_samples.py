"""Samples of VES and PM files from the command to the database: every value once, every malformed file one dead letter."""

from collections import Counter
from pathlib import Path

import pytest

from tests.support.network import MALFORMED, PM_FILES, VES, form_of
from tests.support.network_oracle import pm_rows, ves_rows
from tests.support.system import System

# The samples are up to a quarter of a century old.
MAX_AGE = "36500d"
STORED = "SELECT name, count(*), count(value), sum(value) FROM port.cell_measurement GROUP BY name"

pytestmark = pytest.mark.timeout(240)


def publish(system: System, path: Path) -> int:
    done = system.command("publish", str(path), "--format", form_of(path), max_age=MAX_AGE)
    assert "Published" in done.stdout, done.stderr
    return done.returncode


def test_every_sample_is_stored_and_published_again_stores_nothing_new(system: System) -> None:
    for path in [*VES, *PM_FILES] * 2:
        assert publish(system, path) == (path.stem == "ves7_invalid_30_1_1_event")
    worker = system.workers.ready(max_age=MAX_AGE)
    ledger = system.verified()
    expected = [row for path in PM_FILES for row in pm_rows(path)] + [row for path in VES for row in ves_rows(path)]
    assert system.database.total("port.cell_measurement") == len(expected)
    names = Counter(row["name"] for row in expected)
    sums: Counter[str] = Counter()
    for row in expected:
        sums[row["name"]] += row["value"] or 0
    assert {name: (count, total or 0) for name, count, _, total in system.database.rows(STORED)} == {
        name: (count, sums[name]) for name, count in names.items()
    }
    # 125 + 7 + 3 reports of files, 7 + 2 of messages, 4 alarms; the version nobody knows is refused twice.
    assert [ledger.total(outcome) for outcome in ("accepted", "duplicate", "rejected")] == [148, 148, 2]
    assert system.database.total("port.cell_alarm_event") == 4
    assert worker.metric("quaystream_counters_unknown_total", cause="name") == len(expected)
    assert system.database.total("ingest.sequence_gap") == 0


def test_every_malformed_sample_is_one_dead_letter_with_its_reason(system: System, tmp_path: Path) -> None:
    for number, one in enumerate(MALFORMED):
        path = tmp_path / str(number) / one.sample.name
        path.parent.mkdir()
        path.write_bytes(one.spoil(one.sample.read_bytes()))
        assert publish(system, path) == 1
    system.workers.ready(max_age=MAX_AGE)
    ledger = system.verified()
    assert ledger.total("accepted") == sum(one.accepted for one in MALFORMED)
    reasons = Counter(reason for of_record in system.reasons().values() for reason in of_record)
    assert reasons == Counter(one.reason for one in MALFORMED)
