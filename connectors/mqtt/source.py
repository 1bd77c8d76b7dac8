"""Messages of topics that a template names, each read as its template says. Remembers nothing between them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors.edge.door import Door
from connectors.edge.errors import InvalidEventError
from connectors.edge.event import Offered
from connectors.edge.spool import Cursor
from connectors.mqtt.inbox import Message
from connectors.mqtt.reading import Read
from connectors.mqtt.topics import Topic


class Route(NamedTuple):
    """Which messages, and how they are read."""

    topic: Topic
    read: Read


class TopicReader:
    """The reader of a source of kind `mqtt`."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    def filters(self) -> Sequence[str]:
        """Each once: two templates may be the same to the broker."""
        return list(dict.fromkeys(route.topic.filter for route in self._routes))

    async def read(self, message: Message, door: Door) -> list[Offered]:
        """All events of the message; those that are none are refused with their number, the others taken."""
        for route in self._routes:
            names = route.topic.names_in(message.topic)
            if names is not None:
                events = route.read(message, names)
                return [
                    offered for number, event in enumerate(events) for offered in _checked(event, number, message, door)
                ]
        raise InvalidEventError("no template fits this topic: it is left over from an older subscription")

    def reconnected(self) -> None:
        """Nothing is remembered."""

    def cursors(self, _: Door) -> list[Cursor]:
        """Nothing is remembered."""
        return []

    def requests(self) -> list[tuple[str, bytes]]:
        """Nothing is asked."""
        return []


def _checked(event: dict[str, Any] | InvalidEventError, number: int, message: Message, door: Door) -> list[Offered]:
    try:
        if isinstance(event, InvalidEventError):
            raise event
        return [door.check(event, len(message.payload))]
    except InvalidEventError as error:
        door.refuse(f"{message.topic} event {number}", error, message.payload)
        return []
