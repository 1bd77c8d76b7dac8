"""What a message says: a CloudEvent, or JSON that a mapping makes one of, with the words of its topic."""

import hashlib
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Words
from typing import Any, Final, Literal

import msgspec

from connectors.csv.events import facts_of
from connectors.csv.mapping import Mapping
from connectors.csv.rows import Row
from connectors.edge.door import event_of
from connectors.edge.errors import InvalidEventError
from connectors.kafka.outgoing import Refused
from connectors.mqtt.inbox import Message

STRUCTURED: Final = "application/cloudevents+json"
Identity = Literal["number", "content"]
# The events of one message, given the words of its topic, and what was wrong in place of those that are none.
# Raises InvalidEventError where the message is none at all.
Read = Callable[[Message, Words[str, str]], list[dict[str, Any] | InvalidEventError]]


def cloudevents(message: Message, _: Words[str, str]) -> list[dict[str, Any] | InvalidEventError]:
    """Structured mode; with MQTT 5 also binary mode (MQTT protocol binding 1.0.2, 3.1 and 3.2)."""
    attributes = dict(message.attributes)
    if "specversion" in attributes and not message.content_type.lower().startswith(STRUCTURED):
        return [{**attributes, "data": _json(message.payload)}]
    return [event_of(message.payload)]


def mapped(mapping: Mapping, identity: Identity) -> Read:
    """A JSON object is one event, an array of objects one each. See `cells_of` for what a mapping may name."""

    def read(message: Message, names: Words[str, str]) -> list[dict[str, Any] | InvalidEventError]:
        found = _json(message.payload)
        own = own_cells(message, names)
        events = [_event(each, own, mapping) for each in (found if isinstance(found, list) else [found])]
        return named(events, message) if identity == "content" else events

    return read


def own_cells(message: Message, names: Words[str, str]) -> dict[str, str]:
    """What a mapping may name beside the payload: `topic.<name>`, and when the message came, in epoch milliseconds."""
    return {**{f"topic.{name}": word for name, word in names.items()}, "mqtt.received_ms": str(message.received_ms)}


def cells_of(content: Words[str, Any]) -> dict[str, str]:
    """The values of an object by path: `{"hoist": {"m": 12.5}, "axes": [1]}` has `hoist.m` and `axes.0`; null is nothing."""
    return dict(_cells(content, ""))


def facts(cells: dict[str, str], mapping: Mapping) -> dict[str, Any]:
    """An event without an identity; raises InvalidEventError."""
    found = facts_of(Row(1, cells), mapping, "")
    if isinstance(found, Refused):
        raise InvalidEventError(found.reason)
    return found


def named(
    events: list[dict[str, Any] | InvalidEventError], message: Message
) -> list[dict[str, Any] | InvalidEventError]:
    """The events, each with an id made of topic and payload: whoever publishes the same again says the same."""
    digest = hashlib.sha256(message.topic.encode() + b"\0" + message.payload).hexdigest()[:32]
    return [
        event if isinstance(event, InvalidEventError) else {**event, "id": f"{digest}-{number}"}
        for number, event in enumerate(events)
    ]


def _event(content: Any, own: Words[str, str], mapping: Mapping) -> dict[str, Any] | InvalidEventError:
    if not isinstance(content, dict):
        return InvalidEventError("not a JSON object")
    try:
        return facts({**cells_of(content), **own}, mapping)
    except InvalidEventError as error:
        return error


def _cells(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _cells(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _cells(inner, f"{path}.{number}")
    elif value is not None:
        yield path, text_of(value)


def text_of(value: str | float | bool) -> str:
    """A value as a cell of a mapping; a number keeps every digit."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _json(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEventError(f"not JSON: {error}") from error
