"""Reads NetworkMessages, in the order they come. What a key frame said is kept in the spool, for the deltas after it."""

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import structlog

from connectors.csv.mapping import Mapping
from connectors.edge.door import Door
from connectors.edge.errors import InvalidEventError
from connectors.edge.event import Offered
from connectors.edge.spool import Cursor
from connectors.mqtt.inbox import Message
from connectors.mqtt.reading import cells_of, facts, own_cells
from connectors.mqtt.topics import Topic
from connectors.opcua.errors import BadStatusError
from connectors.opcua.messages import KEEP_ALIVE, DataSetMessage, data_sets_of
from connectors.opcua.values import SOURCE_TIMESTAMP, raise_bad, source_time_of, value_of
from connectors.opcua.writer import Writer
from schemas.metrics import CONNECTOR_MISSING, MQTT_PASSED_BY

log = structlog.get_logger()

Delta = Literal["whole", "changes"]


class Route(NamedTuple):
    """Which messages, and what their fields become."""

    topic: Topic
    mappings: Sequence[Mapping]


class OpcUaReader:
    """The reader of a source of kind `opcua`. Writers are known by publisher and name, or number."""

    def __init__(self, routes: Sequence[Route], delta: Delta) -> None:
        self._routes = routes
        self._delta = delta
        self._writers: dict[str, Writer] = {}
        self._digests: dict[str, bytes] = {}
        self._heard: set[str] = set()

    def filters(self) -> Sequence[str]:
        """Each once: two templates may be the same to the broker."""
        return list(dict.fromkeys(route.topic.filter for route in self._routes))

    async def read(self, message: Message, door: Door) -> list[Offered]:
        """The events of a message. Raises InvalidEventError where it is no NetworkMessage."""
        for route in self._routes:
            names = route.topic.names_in(message.topic)
            if names is not None:
                return await self._read(message, own_cells(message, names), route.mappings, door)
        raise InvalidEventError("no template fits this topic: it is left over from an older subscription")

    def reconnected(self) -> None:
        """Sequence numbers tell what is missing."""

    def cursors(self, door: Door) -> list[Cursor]:
        """The writers that were heard."""
        found = [Cursor(f"{door.name}:{key}", msgspec.json.encode(self._writers[key]).decode()) for key in self._heard]
        self._heard.clear()
        return sorted(found)

    def requests(self) -> list[tuple[str, bytes]]:
        """Nothing is asked."""
        return []

    async def _read(
        self, message: Message, own: dict[str, str], mappings: Sequence[Mapping], door: Door
    ) -> list[Offered]:
        sets = data_sets_of(message.payload)
        if sets is None:
            door.count(MQTT_PASSED_BY, "not_data")
            return []
        events: list[Offered] = []
        for one in sets:
            try:
                frame = await self._frame(one, message, door)
            except InvalidEventError as error:
                door.refuse(f"{message.topic} {one.key} {one.sequence}", error, message.payload)
                continue
            cells = {**frame.cells, **own, **_words(one)}
            wanted = [mapping for mapping in mappings if any(f.column in frame.said for f in mapping.fields.values())]
            events += [found for mapping in wanted for found in _event(cells, mapping, message, door)]
        return events

    async def _frame(self, one: DataSetMessage, message: Message, door: Door) -> "_Frame":
        """What it says, and what the data set is after it."""
        writer = await self._writer(one.key, door)
        digest = hashlib.sha256(repr(one).encode()).digest()
        if writer.is_at(one) and self._digests.get(one.key) == digest:
            door.count(MQTT_PASSED_BY, "repeat")
            return _Frame({}, {})
        self._digests[one.key] = digest
        self._heard.add(one.key)
        missing = writer.advance(one)
        if missing:
            door.count(CONNECTOR_MISSING, by=missing)
            log.warning("opcua_gap", connector=door.name, writer=one.key, missing=missing)
        if one.kind == KEEP_ALIVE:
            door.count(MQTT_PASSED_BY, "keep_alive")
            return _Frame({}, {})
        raise_bad(one.status)
        said = _said(one, message, door)
        return _Frame(said, said if self._delta == "changes" else writer.whole(one, said, set(one.fields)))

    async def _writer(self, key: str, door: Door) -> Writer:
        if key not in self._writers:
            kept = await door.cursor(f"{door.name}:{key}")
            self._writers[key] = Writer() if kept is None else msgspec.json.decode(kept, type=Writer)
        return self._writers[key]


class _Frame(NamedTuple):
    said: dict[str, str]
    cells: dict[str, str]


def _said(one: DataSetMessage, message: Message, door: Door) -> dict[str, str]:
    """The cells of the fields, without those that are null or that the server disowns."""
    said: dict[str, str] = {}
    for name, given in one.fields.items():
        try:
            said |= cells_of({name: value_of(given)})
        except BadStatusError as error:
            door.refuse(f"{message.topic} {one.key} {name}", error, message.payload)
            continue
        if (told := source_time_of(given)) is not None:
            said[f"{name}.{SOURCE_TIMESTAMP}"] = told
    return said


def _words(one: DataSetMessage) -> dict[str, str]:
    """What a mapping may name beside the fields."""
    words = {"publisher": one.publisher, "writer": one.writer, "writer_id": one.writer_id, "time": one.timestamp or ""}
    return {f"opcua.{name}": word for name, word in words.items()}


def _event(cells: dict[str, str], mapping: Mapping, message: Message, door: Door) -> list[Offered]:
    try:
        return [door.check(facts(cells, mapping), len(message.payload))]
    except InvalidEventError as error:
        door.refuse(message.topic, error, message.payload)
        return []
