"""Records on their way out: what is sent, what was refused before sending, and the check both are parted by."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from pydantic import ValidationError

from schemas.events import MODELS
from schemas.identifiers import is_subject

CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json")
_Aware = Annotated[datetime, msgspec.Meta(tz=True)]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record ready to be sent, from line `line` of a file; `time` is its event's, or when it was sent, if known.

    `undecoded`: why its reader could not make an event of it, when it is sent on as it is for the worker to refuse.
    """

    line: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    time: datetime | None
    undecoded: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not sent, and why."""

    line: int
    reason: str


def parse_time(text: object) -> datetime | None:
    """The moment an RFC 3339 text with offset names, or None."""
    try:
        return msgspec.convert(text, _Aware) if isinstance(text, str) else None
    except msgspec.ValidationError:
        return None


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC, with as many decimals as the moment needs of three or six."""
    precision = "milliseconds" if moment.microsecond % 1000 == 0 else "microseconds"
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def renamed(name: str, shift: timedelta) -> str:
    """Another name for what is moved by `shift` (an id, a bootid): 16 hexadecimal digits, the same every time."""
    moved = f"{name}+{shift // timedelta(microseconds=1)}us"
    return hashlib.sha256(moved.encode()).hexdigest()[:16]


def problem_of(event: Mapping[str, Any]) -> str | None:
    """What keeps a structured CloudEvent from being accepted whatever the clock says, or None."""
    for name in ("id", "source", "type", "subject", "time", "specversion"):
        if not isinstance(event.get(name), str) or not event[name]:
            return f"attribute {name} is missing or not a text"
    if event["specversion"] != "1.0":
        return f"specversion {event['specversion']} is not 1.0"
    if event["type"] not in MODELS:
        return f"type {event['type']} is not known"
    if not is_subject(event["subject"]):
        return f"subject {event['subject']} is not <UN/LOCODE>-<site>-<asset>"
    if parse_time(event["time"]) is None:
        return f"time {event['time']} is not RFC 3339 with offset"
    return _problem_of_data(event)


def _problem_of_data(event: Mapping[str, Any]) -> str | None:
    try:
        MODELS[event["type"]].model_validate(event.get("data"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "data"
        given = "" if isinstance(first["input"], dict | list) else f", not {first['input']!r}"
        return f"{field}: {first['msg'].removeprefix('Value error, ')}{given}"
    return None
