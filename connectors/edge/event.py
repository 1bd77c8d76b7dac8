"""An event as a source offers it: what may be left out, what is checked, and how it is written for Kafka.

`id`, `bootid`, `sequence` and `recordedtime` are given by the spool, once; `time` is never touched.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from connectors.edge.errors import EventTooLargeError, InvalidEventError
from connectors.kafka.outgoing import problem_of, time_text
from schemas.topics import TOPIC_BY_TYPE

MAX_EVENT_BYTES: Final = 1_048_576
_ENCODE: Final = msgspec.json.Encoder().encode


class Offered(NamedTuple):
    """A checked event: its attributes and data as they will be sent, but for what the spool gives."""

    event: dict[str, Any]
    topic: str

    @property
    def is_numbered_by_us(self) -> bool:
        """Events that bring an id are not: their sender may send them again, and a repeat keeps its id.

        A number given here would make the repeat look new; without one the worker looks the row up.
        """
        return "id" not in self.event


class Receipt(NamedTuple):
    """What an event is called from now on. `bootid` and `sequence` are None where nobody numbers it."""

    id: str
    bootid: str | None
    sequence: int | None


def offered(event: Mapping[str, Any], source: str) -> Offered:
    """The event, completed and checked; `source` is for those that name none.

    Raises InvalidEventError, which says what is wrong, and EventTooLargeError.
    """
    complete: dict[str, Any] = {"specversion": "1.0", "source": source, **event}
    if isinstance(complete.get("time"), datetime):
        complete["time"] = _text_of(complete["time"])
    problem = problem_of(complete if "id" in complete else {**complete, "id": "-"}) or _numbering_problem(complete)
    if problem:
        raise InvalidEventError(problem)
    return Offered(complete, TOPIC_BY_TYPE[complete["type"]].name)


def offered_in_python(event: Mapping[str, Any], source: str) -> Offered:
    """`offered` for values that were never JSON: what JSON cannot say is refused, not changed."""
    checked = offered(event, source)
    if not _is_plain(checked.event) and (problem := _json_problem(checked.event)):
        raise InvalidEventError(problem)
    return checked


def encoded(event: Mapping[str, Any]) -> bytes:
    """A structured CloudEvent."""
    return _ENCODE(event)


def too_large(size: int) -> EventTooLargeError | None:
    """The error of an event that no worker would take (contract section 9.4), by its bytes as sent."""
    if size <= MAX_EVENT_BYTES:
        return None
    return EventTooLargeError(f"an event of {size:,} bytes is larger than {MAX_EVENT_BYTES:,}")


def _text_of(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise InvalidEventError("time has no offset: give an aware datetime")
    return time_text(moment)


def _numbering_problem(event: Mapping[str, Any]) -> str | None:
    if "sequence" not in event and "bootid" not in event:
        return None
    if "id" not in event:
        return "sequence and bootid come with an id of the sender's own, or are left to the spool"
    text = str(event.get("sequence", "0"))
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return f"sequence {text} is not decimal digits"
    return None


def _is_plain(value: Any) -> bool:
    """Whether it is made of JSON's own types, exactly: nearly everything is, and then needs no words. Four times faster."""
    kind = type(value)
    if kind is str or kind is bool or kind is int or value is None:
        return True
    if kind is float:
        return math.isfinite(value)
    if kind is dict:
        return set(map(type, value)) <= {str} and all(map(_is_plain, value.values()))
    return (kind is list or kind is tuple) and all(map(_is_plain, value))


def _json_problem(value: Any, where: str = "event") -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{where}: {value} is not a finite number"
    if isinstance(value, dict):
        odd = next((name for name in value if not isinstance(name, str)), None)
        if odd is not None:
            return f"{where}: {odd!r} is no name"
        parts = ((f"{where}.{name}", inner) for name, inner in value.items())
    elif isinstance(value, list | tuple):
        parts = ((f"{where}[{index}]", inner) for index, inner in enumerate(value))
    else:
        known = value is None or isinstance(value, str | int | float)
        return None if known else f"{where}: {type(value).__name__} is nothing that JSON has"
    return next((problem for name, inner in parts if (problem := _json_problem(inner, name))), None)
