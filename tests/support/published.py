"""Messages as a broker would bring them, without a broker."""

import json
from typing import Any

from connectors.edge.errors import InvalidEventError
from connectors.edge.event import Offered
from connectors.mqtt.inbox import Message
from connectors.mqtt.listener import Reader
from tests.support.doors import Opened


def published(topic: str, payload: bytes | Any, **more: Any) -> Message:
    """A message at QoS 1; what is not bytes is sent as JSON."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    own = {"qos": 1, "number": 1, "received_ms": 1_767_225_600_000, "acknowledge": lambda: None}
    return Message(topic, content, **{**own, **more})


async def hear(reader: Reader, opened: Opened, *messages: Message) -> list[dict[str, Any]]:
    """As the listener does it: read, keep with the cursors; the events that came of it."""
    found: list[Offered] = []
    for message in messages:
        try:
            events = await reader.read(message, opened.door)
        except InvalidEventError as error:
            opened.door.refuse(message.topic, error)
            events = []
        await opened.door.take(events, reader.cursors(opened.door))
        found += events
    return [offered.event for offered in found]
