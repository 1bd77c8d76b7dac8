"""Sources bound to gateways on a real broker and worker: spoofed events are dead letters, signed ones are stored."""

import base64
import json
import os
from pathlib import Path
from typing import Any

from connectors.edge import KafkaAccess, Publisher
from schemas.signing import Key
from tests.support.events import SOURCE, Message, event, structured
from tests.support.system import System

KEY, NEXT_KEY, OTHER_KEY = (os.urandom(32) for _ in range(3))
OTHER = "/vnhph/dinhvu/gw-09"


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def signed(message: Message, key: bytes) -> Message:
    assert message.value is not None
    header = ("qs-signature", Key(key).signature_of(message.value, message.headers))
    return Message(message.topic, message.key, message.value, (*message.headers, header))


async def test_only_who_holds_a_key_of_the_gateway_speaks_for_it(system: System, tmp_path: Path) -> None:
    keys, mine = tmp_path / "gateways.toml", tmp_path / "signing-key"
    keys.write_text(
        f'["{SOURCE}"]\nkeys = ["{text(KEY)}", "{text(NEXT_KEY)}"]\n["{OTHER}"]\nkeys = ["{text(OTHER_KEY)}"]\n'
    )
    mine.write_text(text(KEY))
    spoofed = [
        structured(event()),
        signed(structured(event()), OTHER_KEY),
        signed(structured(event(source="/nobody")), KEY),
        signed(structured(event(data={"load_t": "heavy"})), OTHER_KEY),
    ]
    places = system.send(*spoofed, signed(structured(event()), NEXT_KEY))
    recording = tmp_path / "events.jsonl"
    recording.write_text(json.dumps(event()) + "\n")
    published = system.command("publish", str(recording), signing_key_file=mine)
    assert published.returncode == 0, published.stderr
    access = KafkaAccess(system.broker.brokers, signing_key_file=mine)
    async with Publisher(tmp_path / "spool.db", access, SOURCE) as publisher:
        await publisher.send(without_id(event()))

    system.workers.ready(gateway_keys_file=keys)
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("rejected")) == (3, 4)
    assert system.reasons() == {place: ["source_refused"] for place in places[:4]}
    details = [row[0] for row in system.database.rows("SELECT detail FROM ingest.dead_letter ORDER BY record_offset")]
    assert details == [
        f"not signed, as {SOURCE} has to",
        f"not signed with a key of {SOURCE}",
        "no gateway is known that may speak for /nobody",
        f"not signed with a key of {SOURCE}",
    ]


def without_id(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "id"}


def test_keys_that_cannot_be_read_are_one_line(system: System, tmp_path: Path) -> None:
    file = tmp_path / "gateways.toml"
    file.write_text(f'["{SOURCE}"]\nkeys = ["short"]\n')
    worker = system.workers.start(gateway_keys_file=file)
    assert worker.ended() == 2
    (line,) = worker.log().strip().splitlines()
    assert "32 bytes or more" in line
