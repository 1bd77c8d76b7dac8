"""What a request says: the events in it, whichever of the three modes it speaks."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from connectors.edge.door import event_of
from connectors.edge.errors import InvalidEventError
from connectors.messages.said import Decode, Untold

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_PREFIX: Final = "ce-"
_JSON: Final = re.compile(r"application/([a-z0-9.-]+\+)?json", re.IGNORECASE)


def events_in(content_type: str, headers: Mapping[str, str], body: bytes) -> list[dict[str, Any]]:
    """The events of a request, in order; `content_type` without parameters, empty when there is none. Raises InvalidEventError."""
    kind = content_type.lower()
    if kind == BATCH:
        return _batch(body)
    if kind == STRUCTURED:
        return [event_of(body)]
    if kind.startswith("application/cloudevents"):
        raise InvalidEventError(f"content-type {content_type} is not understood: send {STRUCTURED} or {BATCH}")
    attributes = {
        name[3:].lower(): _value(value) for name, value in headers.items() if name.lower().startswith(_PREFIX)
    }
    if not attributes:
        raise InvalidEventError(f"no CloudEvent: send {STRUCTURED}, {BATCH}, or ce- headers")
    # Without a content-type the data is JSON, as it is in our models; aiohttp would call it octet-stream.
    if kind and not _JSON.fullmatch(kind):
        raise InvalidEventError(f"content-type {content_type} of the data is not JSON")
    return [{**attributes, "data": _json(body)}]


def messages_in(body: bytes, decode: Decode, notes: Counter[str]) -> list[dict[str, Any]]:
    """The events of a message; raises InvalidEventError at its first part that is none, so that all or nothing is taken.

    An event that has no identity of its own is named by the message, which may be posted again.
    """
    digest = hashlib.sha256(body).hexdigest()[:16]
    events = []
    for position, said in enumerate(decode(body, notes), start=1):
        if isinstance(said, Untold):
            raise InvalidEventError(f"{said.place}: {said.why}")
        events.append({"id": f"{digest}-{position}", **said.event})
    return events


def _batch(body: bytes) -> list[dict[str, Any]]:
    found = _json(body)
    if not isinstance(found, list) or not all(isinstance(event, dict) for event in found):
        raise InvalidEventError("a batch is a JSON array of events")
    return found


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEventError(f"not JSON: {error}") from error


def _value(text: str) -> str:
    """Headers are percent-encoded UTF-8 (binding 3.1.3.2)."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidEventError(f"header value {text!r} is not percent-encoded UTF-8") from error
