"""Builders: events as a gateway words them, and the messages they travel in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

PREFIX = "io.quaystream."
CRANE = "VNHPH-TANVU-STS01"
SOURCE = "/vnhph/tanvu/gw-01"
CONTENT_TYPE = ("content-type", b"application/cloudevents+json")

DATA: Mapping[str, Mapping[str, Any]] = {
    "crane.sample": {"load_t": 20.5, "wind_mps": 6.25, "power_kw": 310.0, "spreader_locked": True},
    "gate.step": {
        "visit_id": "visit-1",
        "lane": "in-1",
        "direction": "in",
        "step": "ocr_read",
        "actor": "system",
        "manual": False,
    },
    "cell.radio": {"rsrp_dbm": -91.5, "sinr_db": 14.0, "rtt_ms": 18.0},
    "cargo.milestone": {"equipment_reference": "CSQU3054383", "milestone": "discharged"},
    "vessel.milestone": {"imo": "9074729", "call_id": "CALL-1", "milestone": "all_fast", "classifier": "ACT"},
}
_ids = count(1)


@dataclass(frozen=True)
class Message:
    """What is handed to a producer; `partition` None lets the key decide."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = (CONTENT_TYPE,)
    partition: int | None = None

    def to(self, partition: int) -> "Message":
        return replace(self, partition=partition)


def event(what: str = "crane.sample", data: Mapping[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """A CloudEvent of type `io.quaystream.<what>.v1`, un-numbered, that happened now; every attribute can be given."""
    return {
        "specversion": "1.0",
        "id": f"event-{next(_ids)}",
        "source": SOURCE,
        "type": f"{PREFIX}{what}.v1",
        "subject": CRANE,
        "time": moment(),
        "data": dict(DATA[what] if data is None else data),
        **attributes,
    }


def numbered(sequence: int, bootid: str = "boot-1", **attributes: Any) -> dict[str, Any]:
    """A crane sample with a sequence number; its id derives from the number."""
    return event(**{"id": f"{bootid}-{sequence}", "bootid": bootid, "sequence": str(sequence), **attributes})


def moment(ago: timedelta = timedelta(0)) -> str:
    """RFC 3339 in UTC, `ago` before now."""
    return (datetime.now(UTC) - ago).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def structured(document: Mapping[str, Any]) -> Message:
    """The event in structured mode, keyed by its subject, in its domain's topic."""
    return Message(topic_of(document), document["subject"].encode(), json.dumps(document).encode())


def binary(document: Mapping[str, Any]) -> Message:
    """The event in binary mode: attributes in `ce_` headers, data as the value."""
    headers = [(f"ce_{name}", str(value).encode()) for name, value in document.items() if name != "data"]
    headers.append(("content-type", b"application/json"))
    return Message(
        topic_of(document), document["subject"].encode(), json.dumps(document["data"]).encode(), tuple(headers)
    )


def topic_of(document: Mapping[str, Any]) -> str:
    """`<domain>-events`."""
    return f"{document['type'].removeprefix(PREFIX).partition('.')[0]}-events"
