"""W3C trace context: the id of the trace that an event belongs to, as its sender said it. Nothing is decided by it."""

import re
from typing import Final

import msgspec

from streams.core.record import Record

# https://www.w3.org/TR/trace-context/#traceparent-header: version 00, and later ones that begin alike.
_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?"
)
_HEADERS: Final = ("ce_traceparent", "traceparent")


class _Envelope(msgspec.Struct):
    traceparent: str | None = None


def traceparent_of(record: Record) -> str | None:
    """The well-formed `traceparent` of a record: the extension attribute in either mode, else Kafka's header; else None.

    Decodes the value: for the few records that are told about, not for every one.
    """
    headers = dict(record.headers)
    for name in _HEADERS:
        if (given := headers.get(name)) and (text := _well_formed(given.decode(errors="replace"))):
            return text
    try:
        return _well_formed(msgspec.json.decode(record.value or b"", type=_Envelope).traceparent or "")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def ids_of(traceparent: str) -> tuple[str, str]:
    """(trace id, span id) of a well-formed one."""
    found = _TRACEPARENT.fullmatch(traceparent)
    assert found is not None  # noqa: S101  (only well-formed ones come here)
    return found[1], found[2]


def _well_formed(text: str) -> str | None:
    return text if _TRACEPARENT.fullmatch(text) else None
