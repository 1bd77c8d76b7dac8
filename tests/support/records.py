"""Builders: records as a broker hands them out, with a fixed clock, so that the same test makes the same bytes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from schemas.examples import APPENDED_AT, Example
from streams.core.record import Stretch, TopicPartition

APPENDED_MS = int(APPENDED_AT.timestamp() * 1_000)
"""The append time of every record that does not say otherwise."""

CRANE = "VNHPH-TANVU-STS01"
SOURCE = "/vnhph/tanvu/gw-01"
CRANES = TopicPartition("crane-events", 0)
OTHER_CRANES = TopicPartition("crane-events", 1)


@dataclass(frozen=True, slots=True)
class Sent:
    """One record of a partition."""

    offset: int
    value: bytes | None
    key: bytes | None = CRANE.encode()
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp: int = APPENDED_MS


def crane(event_id: str, *, ago_s: float = 10.0, load_t: float | None = 20.5, **attributes: Any) -> dict[str, Any]:
    """A crane sample that happened `ago_s` seconds before its record was appended; every attribute can be given."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": "io.quaystream.crane.sample.v1",
        "subject": CRANE,
        "time": moment(ago_s),
        "data": {"load_t": load_t, "wind_mps": 6.25},
        **attributes,
    }


def numbered(sequence: int, *, bootid: str = "boot-1", **attributes: Any) -> dict[str, Any]:
    """A crane sample with a sequence number; its id and its time derive from the number."""
    mine = {"ago_s": 100.0 - sequence / 1_000, "bootid": bootid, "sequence": str(sequence)}
    return crane(**{"event_id": f"{bootid}-{sequence}", **mine, **attributes})


def moment(ago_s: float) -> str:
    """RFC 3339 in UTC, `ago_s` seconds before the append time."""
    return (APPENDED_AT - timedelta(seconds=ago_s)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def encoded(document: Any) -> bytes:
    """A document as the bytes of a record's value; bytes stay as they are."""
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def sent(offset: int, document: Any) -> Sent:
    """A record of a document, keyed by its subject; None is a null value."""
    key = document["subject"].encode() if isinstance(document, Mapping) and "subject" in document else None
    return Sent(offset, None if document is None else encoded(document), key)


def stretch(documents: Iterable[Any], *, tp: TopicPartition = CRANES, first: int = 0, serial: int = 0) -> Stretch:
    """Records of one partition at offsets that follow each other; a document that is a record stays as it is."""
    made = [d if isinstance(d, Sent) else sent(first + i, d) for i, d in enumerate(documents)]
    return Stretch(tp, serial, made)


def record_of(example: Example, offset: int = 0) -> Sent:
    """The record of an example file."""
    return Sent(offset, example.value, example.key, example.headers)
