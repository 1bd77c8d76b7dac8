"""Samples of VES and PM files from the command to the database: every value once, every malformed file one dead letter."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from connectors.network.files import NetworkFile
from connectors.network.subjects import Subjects
from tests.support.network import MALFORMED, PM_FILES, VES, form_of
from tests.support.network_oracle import pm_rows, ves_rows
from tests.support.system import System

# The samples are up to a quarter of a century old.
MAX_AGE = "36500d"
STORED = "SELECT name, count(*), count(value), sum(value) FROM port.cell_measurement GROUP BY name"

pytestmark = pytest.mark.timeout(240)


def publish(system: System, *paths: Path) -> int:
    """As the command does it, without a process for each file; how many records were sent on undecoded."""

    async def send() -> int:
        undecoded = 0
        async with Publisher(KafkaAccess(system.broker.brokers)) as publisher:
            for path in paths:
                for record in NetworkFile(path, form_of(path), Subjects())(None):
                    await publisher.send(record.topic, record.key, record.value, record.headers)
                    undecoded += record.undecoded is not None
        return undecoded

    return asyncio.run(send())


def test_command_sends_what_it_can_decode_and_says_what_it_cannot(system: System) -> None:
    of_site = ("--format", "ves", "--site", "VNHPH-TANVU")
    done = system.command("publish", str(VES[0]), *of_site, max_age=MAX_AGE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Published 1 to cell-events of VNHPH-TANVU-CHN0001" in done.stdout
    (unknown,) = [path for path in VES if path.stem == "ves7_invalid_30_1_1_event"]
    done = system.command("publish", str(unknown), *of_site, max_age=MAX_AGE)
    assert done.returncode == 1
    assert "sent on undecoded: vesEventListenerVersion 30.0.1 is not 7.x" in done.stderr


def test_every_sample_is_stored_and_published_again_stores_nothing_new(system: System) -> None:
    assert publish(system, *VES, *PM_FILES, *VES, *PM_FILES) == 2
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
    paths = [tmp_path / str(number) / one.sample.name for number, one in enumerate(MALFORMED)]
    for path, one in zip(paths, MALFORMED, strict=True):
        path.parent.mkdir()
        path.write_bytes(one.spoil(one.sample.read_bytes()))
    assert publish(system, *paths) == len(MALFORMED)
    system.workers.ready(max_age=MAX_AGE)
    ledger = system.verified()
    assert ledger.total("accepted") == sum(one.accepted for one in MALFORMED)
    reasons = Counter(reason for of_record in system.reasons().values() for reason in of_record)
    assert reasons == Counter(one.reason for one in MALFORMED)
