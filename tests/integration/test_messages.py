"""Messages of trade through broker and worker: stored once however often they come, refused in part, and written again."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from connectors.messages.formats import decoder_of
from connectors.messages.records import MessageFile
from tests.support.messages import GOLDEN, MESSAGES, events, golden
from tests.support.system import System

# The report of Genoa is of 2016.
MAX_AGE = "36500d"
FILES = (
    (MESSAGES / "D95BCOARRI.edi", "edifact"),
    (GOLDEN / "codeco.edi", "edifact"),
    (GOLDEN / "dcsa.json", "dcsa"),
    (MESSAGES / "tnt-220-response.json", "dcsa"),
    (GOLDEN / "tic.flat.json", "tic"),
)

pytestmark = pytest.mark.timeout(240)


def publish(system: System, *files: tuple[Path, str]) -> None:
    """As the command does it, without a process for each file."""

    async def send() -> None:
        async with Publisher(KafkaAccess(system.broker.brokers)) as publisher:
            for path, form in files:
                for record in MessageFile(path, decoder_of(form))(None):
                    await publisher.send(record.topic, record.key, record.value, record.headers)

    asyncio.run(send())


def spoilt(folder: Path) -> Path:
    """The report of Genoa with its first message broken, and a wrong check digit in its second."""
    file = folder / "spoilt.edi"
    content = (MESSAGES / "D95BCOARRI.edi").read_bytes()
    file.write_bytes(content.replace(b"UNT+33", b"UNT+34").replace(b"CBHU6192031", b"CBHU6192032"))
    return file


def told(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What a COARRI carries of its boxes, in one order."""
    names = ("equipment_reference", "milestone", "weight_kg", "stowage_cell", "call_id", "empty")
    return sorted((event["subject"], event["time"], *(event["data"].get(name) for name in names)) for event in found)


def test_messages_are_stored_once_refused_in_part_and_written_again(system: System, tmp_path: Path) -> None:
    done = system.command("publish", str(spoilt(tmp_path)), "--format", "edifact", max_age=MAX_AGE)
    assert done.returncode == 1
    assert "UNT says 34, there are 33 segments" in done.stderr
    assert "bad_check_digit, expected 1" in done.stderr
    publish(system, *FILES, *FILES)
    system.workers.ready(max_age=MAX_AGE)
    ledger = system.verified()

    # Each file twice: 21 boxes of Genoa, 18 of which had come with the spoilt file; a gate's 2 and its step; a box and
    # a call of DCSA, 2 arrivals; a crane.
    assert [ledger.total(outcome) for outcome in ("accepted", "duplicate", "rejected")] == [29, 2 * 29 - 11, 2]
    reasons = Counter(reason for of_record in system.reasons().values() for reason in of_record)
    assert reasons == {"undecodable": 1, "invalid_data": 1}

    assert (
        system.database.value("SELECT count(DISTINCT cargo_id) FROM port.cargo_milestone WHERE site = 'ITGOA-VTE'")
        == 21
    )
    (plate,) = system.database.rows("SELECT truck_plate, direction, weight_kg FROM port.gate_step")
    assert plate == ("15C12345", "out", 24_350)
    (wind,) = system.database.rows(
        "SELECT crane_id, wind_mps, spreader_locked, trolley_speed_mps FROM port.crane_sample"
    )
    assert wind == ("VNHPH-TANVU-STS03", 10.0, True, 2.8)
    assert system.database.value("SELECT count(*) FROM port.vessel_milestone WHERE expected_time IS NOT NULL") == 1

    out = tmp_path / "lifts.edi"
    done = system.command("export", "port.cargo_milestone", "--format", "coarri", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "3 rows are nothing that coarri reports" in done.stdout
    assert told(events("edifact", out.read_bytes())) == told(events("edifact", FILES[0][0].read_bytes()))
    gate = tmp_path / "gate.edi"
    done = system.command("export", "cargo_milestone", "--format", "codeco", "--out", str(gate))
    assert done.returncode == 0, done.stderr
    assert told(events("edifact", gate.read_bytes())) == told([e for e in golden("codeco") if "cargo" in e["type"]])
    done = system.command("export", "crane_sample", "--format", "dcsa", "--out", str(tmp_path / "no.json"))
    assert done.returncode == 2
    assert "port.crane_sample has nothing for this format" in done.stderr
