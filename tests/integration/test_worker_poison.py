"""Records that cannot be stored end as exactly one dead letter each, and hurt nobody beside them."""

import base64
from collections.abc import Sequence
from typing import Any

from schemas.examples import load_examples
from tests.support.broker import PARTITIONS, Placed
from tests.support.events import Message, numbered, structured
from tests.support.examples import message_of
from tests.support.system import System

EXAMPLES = load_examples()
INVALID = [example for example in EXAMPLES if example.expected is not None]
VALID = [example for example in EXAMPLES if example.expected is None]


def stored_letter(system: System, place: Placed) -> tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]:
    """Key, payload and headers of the only dead letter of a record."""
    query = (
        "SELECT key, payload, headers FROM ingest.dead_letter WHERE (topic, partition, record_offset) = (%s, %s, %s)"
    )
    ((key, payload, headers),) = system.database.rows(query, *place)
    return key, payload, [(name, None if value is None else base64.b64decode(value)) for name, value in headers]


def relayed_letters(system: System) -> dict[Placed, list[Any]]:
    """The records of the dead-letter topics by the place they name in their headers."""
    found: dict[Placed, list[Any]] = {}
    for topic in {example.topic for example in EXAMPLES}:
        for record in system.broker.records(f"{topic}-dead-letters"):
            named = dict(record.headers()[-5:])
            place = Placed(named["qs-topic"].decode(), int(named["qs-partition"]), int(named["qs-offset"]))
            found.setdefault(place, []).append(record)
    return found


def with_neighbours(messages: Sequence[Message]) -> list[Message]:
    """Each message between two good ones, all in their partition."""
    mixed = []
    for index, message in enumerate(messages):
        neighbour = structured(numbered(index + 1, bootid=f"boot-{message.partition}"))
        mixed += [neighbour.to(message.partition or 0), message]
    return mixed


def test_every_invalid_example_is_one_dead_letter_with_its_reason(system: System) -> None:
    messages = [message_of(example, index % PARTITIONS) for index, example in enumerate(INVALID)]
    mixed = with_neighbours(messages)
    placed = dict(zip(map(id, mixed), system.send(*mixed), strict=True))
    system.workers.ready()
    ledger = system.verified()
    reasons, relayed = system.reasons(), relayed_letters(system)
    assert ledger.total("rejected") == len(INVALID)
    for example, message in zip(INVALID, messages, strict=True):
        place = placed[id(message)]
        assert reasons.pop(place) == [example.expected], example.name
        assert stored_letter(system, place) == (message.key, message.value, list(message.headers)), example.name
        (record,) = relayed[place]
        assert (record.key(), record.value()) == (message.key, message.value), example.name
        assert record.headers()[:-5] == list(message.headers), example.name
        assert dict(record.headers())["qs-reason"].decode() == example.expected, example.name
        assert dict(record.headers())["qs-detail"], example.name
    assert not reasons
    assert ledger.total("accepted") == len(mixed) - len(INVALID)


def test_every_valid_example_is_accepted(system: System) -> None:
    placed = system.send(*(message_of(example, index % PARTITIONS) for index, example in enumerate(VALID)))
    system.workers.ready()
    ledger = system.verified()
    names = {place: example.name for place, example in zip(placed, VALID, strict=True)}
    assert {names[place]: reasons for place, reasons in system.reasons().items()} == {}
    assert ledger.total("accepted") == len(VALID)
