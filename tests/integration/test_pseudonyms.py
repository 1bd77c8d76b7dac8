"""Names on a real stack: gone before the broker has them, the same within a period, sealed in the vault, erased with proof."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.edge import KafkaAccess, Publisher
from tests.support.events import SOURCE, event, moment, structured
from tests.support.system import System

SITE = "VNHPH-TANVU"
PLATE, DRIVER = "15C-123.45", "Nguyen Van A"
SHAPE = re.compile(r"p1\.\d{8}\.[a-z2-7]{26}")


def step(**attributes: Any) -> dict[str, Any]:
    document = event("gate.step", **{"subject": f"{SITE}-GATE01", **attributes})
    document["data"] |= {"truck_plate": PLATE, "driver_name": DRIVER}
    return document


def plate_read() -> dict[str, Any]:
    data = {"visit_id": "visit-1", "lane": "in-1", "kind": "plate", "value": "15c 12345", "confidence": 0.98}
    return event("gate.ocr", data, subject=f"{SITE}-GATE01")


async def test_names_are_pseudonyms_from_the_first_hop_and_end_with_their_key(system: System, tmp_path: Path) -> None:
    keys, recording = tmp_path / "keys.json", tmp_path / "events.jsonl"
    # A period so long that no test runs over its end but once a year.
    made = system.command("vault", "keys", "--keys", str(keys), "--site", SITE, "--period-days", "366")
    assert made.returncode == 0, made.stderr
    by_camera, unknown = plate_read(), step(subject="VNHPH-DINHVU-GATE01")
    recording.write_text("\n".join(map(json.dumps, (step(), by_camera, unknown))) + "\n")
    published = system.command("publish", str(recording), pseudonym_keys_file=keys)
    assert published.returncode == 0, published.stderr
    access = KafkaAccess(system.broker.brokers, pseudonym_keys_file=keys)
    async with Publisher(tmp_path / "spool.db", access, SOURCE) as publisher:
        await publisher.send({name: value for name, value in step().items() if name != "id"})
        assert dict(publisher.names) == {"replaced": 2, "withheld": 0}
    # And one that comes in the clear, past all of ours.
    system.send(structured(step(id="in-the-clear", time=moment(timedelta(seconds=1)))))

    def shown(pattern: str) -> list[str]:
        stored = system.database.rows(
            "SELECT truck_plate, extra->>'driver_name' FROM port.gate_step WHERE site = %s", SITE
        )
        return sorted({value for row in stored for value in row if re.fullmatch(pattern, value)})

    system.workers.ready(pseudonyms_only=SITE)
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("rejected")) == (5, 0)
    plate, driver = (shown(SHAPE.pattern), system.database.value("SELECT value FROM port.ocr_read"))
    assert len(plate) == 2  # the plate and the driver, each the same from recording and gateway
    assert driver in plate  # what the camera read is the plate that the gate said
    assert shown("withheld") == ["withheld"]
    assert shown(r"(?!p1\.|withheld).*") == []
    elsewhere = system.database.rows("SELECT truck_plate FROM port.gate_step WHERE site = 'VNHPH-DINHVU'")
    assert elsewhere == [("withheld",)]  # no key of that site
    sent = b"".join(
        record.value() for record in system.broker.records("gate-events") if b"in-the-clear" not in record.value()
    )
    assert not [name for name in (PLATE, "15c 12345", DRIVER) if name.encode() in sent]
    assert PLATE.encode() not in (tmp_path / "spool.db").read_bytes()

    # The vault: the name comes back only with the key, and who asked is written down.
    assert system.command("share", "apply").returncode == 0
    reason = ("--keys", str(keys), "--reason", "damage at gate 1")
    put = system.command("vault", "put", str(recording), *reason)
    assert put.returncode == 0, put.stderr
    show = ("vault", "show", driver, "--site", SITE, *reason)
    assert system.command(*show).stdout.strip() in {PLATE, "15c 12345"}
    said = system.database.rows("SELECT action, object, reason FROM share.audit WHERE action = 'reveal'")
    assert said == [("reveal", f"{SITE} {driver}", "damage at gate 1")]
    sealed = b"".join(bytes(row[0]) for row in system.database.rows("SELECT sealed FROM vault.name"))
    assert b"12345" not in sealed

    # Erased: no key, no name, a proof; and a log that was changed does not pass.
    start = datetime.strptime(driver[3:11], "%Y%m%d").replace(tzinfo=UTC).date()
    erased = system.command("vault", "erase", "--site", SITE, "--period", str(start), *reason)
    assert erased.returncode == 0, erased.stderr
    assert system.database.total("vault.name") == 0
    assert system.command(*show).returncode == 2
    assert str(start) not in json.loads(keys.read_text())["sites"][SITE]
    proof = system.command("vault", "proof", "--json")
    assert proof.returncode == 0, proof.stderr
    assert [(row["site"], row["period"], row["names"]) for row in json.loads(proof.stdout)] == [(SITE, str(start), 2)]
    system.database.rows("ALTER TABLE vault.erasure DISABLE TRIGGER only_added")
    system.database.rows("UPDATE vault.erasure SET names = 0")
    assert system.command("vault", "proof").returncode == 1
