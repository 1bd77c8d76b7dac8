"""Reads births, data and deaths, in the order they come. What births said is kept in the spool, with the events."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
import structlog

from connectors.csv.mapping import Mapping
from connectors.edge.door import Door
from connectors.edge.errors import InvalidEventError
from connectors.edge.event import Offered
from connectors.edge.spool import Cursor
from connectors.mqtt.inbox import Message
from connectors.sparkplug.errors import BadBirthError, NoBirthError, UndecodableError
from connectors.sparkplug.events import STATUS, Reading, events_of, moments, status_of
from connectors.sparkplug.node import Known, Node, Table
from connectors.sparkplug.topic import Address, address_of, command, filters
from connectors.sparkplug.values import value_of
from connectors.sparkplug.wire import INT, LONG, Metric, Payload, payload_of, rebirth_request
from schemas.metrics import CONNECTOR_MISSING, MQTT_PASSED_BY, SPARKPLUG_REBIRTHS

log = structlog.get_logger()

# A node that is asked again and again does nothing else than being born.
ASK_AGAIN_MS: Final = 10_000
_BD_SEQ: Final = "bdSeq"
OnDeath = Literal["status", "count"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """Which groups, what their metrics become, whether nodes are asked for their births, and what a death becomes."""

    groups: tuple[str, ...]
    mappings: Sequence[Mapping]
    asks_rebirth: bool
    on_death: OnDeath


class SparkplugReader:
    """The reader of a source of kind `sparkplug`."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._wanted = {field.column for mapping in wishes.mappings for field in mapping.fields.values()}
        self._nodes: dict[tuple[str, str], Node] = {}
        self._last: dict[tuple[str, str], str] = {}
        self._asked_ms: dict[tuple[str, str], int] = {}
        self._to_ask: dict[tuple[str, str], int] = {}
        self._heard: set[tuple[str, str]] = set()
        self._changed: set[tuple[str, str]] = set()

    def filters(self) -> Sequence[str]:
        """Births, data and deaths of the groups."""
        return filters(self._wishes.groups)

    async def read(self, message: Message, door: Door) -> list[Offered]:
        """The events of a message. Raises InvalidEventError where it is none of Sparkplug's."""
        address = address_of(message.topic)
        payload = payload_of(message.payload)
        key = (address.group, address.node)
        node = await self._node(key, door)
        if self._is_repeat(key, node, payload, message):
            door.count(MQTT_PASSED_BY, "repeat")
            return []
        if address.type != "NDEATH":
            self._number(key, node, address, payload, message.received_ms, door)
        events = list(self._said(key, node, address, payload, message, door))
        if not events and address.type in {"NDATA", "DDATA"}:
            door.count(MQTT_PASSED_BY, "unmapped")
        return [found for event in events for found in _checked(event, message, door)]

    def reconnected(self) -> None:
        """Nodes speak at QoS 0, so what they said meanwhile is gone, a birth perhaps among it."""
        for node in self._nodes.values():
            node.is_unbroken = False

    def cursors(self, door: Door) -> list[Cursor]:
        """How far each `seq` is, and the tables of those that were born or died."""
        found = [Cursor(_name(door, key, "seq"), str(self._nodes[key].seq)) for key in sorted(self._heard)]
        for key in sorted(self._changed):
            table = msgspec.json.encode(self._nodes[key].table).decode()
            found.append(Cursor(_name(door, key, "births"), table))
        self._heard.clear()
        self._changed.clear()
        return found

    def requests(self) -> list[tuple[str, bytes]]:
        """The rebirths to ask for."""
        asked = [(command(*key), rebirth_request(now_ms)) for key, now_ms in self._to_ask.items()]
        self._to_ask.clear()
        return asked

    async def _node(self, key: tuple[str, str], door: Door) -> Node:
        if key not in self._nodes:
            births, seq = await door.cursor(_name(door, key, "births")), await door.cursor(_name(door, key, "seq"))
            table = Table() if births is None else msgspec.json.decode(births, type=Table)
            self._nodes[key] = Node(table, None if seq in {None, "None"} else int(str(seq)))
        return self._nodes[key]

    def _is_repeat(self, key: tuple[str, str], node: Node, payload: Payload, message: Message) -> bool:
        """The same number and the same bytes once more: the node was not sure whether we had it."""
        digest = hashlib.sha256(message.topic.encode() + b"\0" + message.payload).hexdigest()
        is_repeat = payload.seq is not None and payload.seq == node.seq and self._last.get(key) == digest
        self._last[key] = digest
        return is_repeat

    def _number(
        self, key: tuple[str, str], node: Node, address: Address, payload: Payload, now_ms: int, door: Door
    ) -> None:
        if payload.seq is None:
            raise UndecodableError(f"{address.type} has no seq")
        self._heard.add(key)
        if address.type == "NBIRTH":
            missing = node.restart(payload.seq)
        else:
            missing = node.advance(payload.seq, now_ms)
            if missing and not node.is_unbroken:
                node.forget()
                self._changed.add(key)
        node.is_unbroken = True
        if missing:
            door.count(CONNECTOR_MISSING, by=missing)
            log.warning("sparkplug_gap", connector=door.name, node="/".join(key), missing=missing)
            if address.type != "NBIRTH":
                self._ask(key, now_ms, door)

    def _said(
        self, key: tuple[str, str], node: Node, address: Address, payload: Payload, message: Message, door: Door
    ) -> Iterator[dict[str, Any]]:
        now_ms = message.received_ms
        if address.type in {"NDATA", "DDATA"}:
            yield from self._data(key, node, address, payload, message, door)
        elif address.type == "NDEATH":
            yield from self._node_death(key, node, address, payload, now_ms, door)
        elif address.type == "DDEATH":
            node.device_died(address.device)
            self._changed.add(key)
            yield from self._status(address, payload.timestamp_ms or now_ms, "off", door)
        else:
            yield from self._birth(key, node, address, payload, message, door)

    def _birth(
        self, key: tuple[str, str], node: Node, address: Address, payload: Payload, message: Message, door: Door
    ) -> Iterator[dict[str, Any]]:
        was_lost = False
        if address.type == "NBIRTH":
            node.node_born(_bd_seq(payload), payload.metrics)
        else:
            was_lost = node.device_born(address.device, payload.metrics)
        self._changed.add(key)
        if node.twice:
            twice = BadBirthError(f"alias {min(node.twice)} is given to two metrics: neither is known by it")
            door.refuse(message.topic, twice)
        events = list(self._data(key, node, address, payload, message, door))
        if was_lost and not any(event["type"] == STATUS for event in events):
            yield from self._status(address, payload.timestamp_ms or message.received_ms, "on", door)
        yield from events

    def _node_death(
        self, key: tuple[str, str], node: Node, address: Address, payload: Payload, now_ms: int, door: Door
    ) -> Iterator[dict[str, Any]]:
        """The will was left with the broker when the node came: it knows how to say which birth it ends, not when."""
        if node.table.bd_seq is not None and _bd_seq(payload) != node.table.bd_seq:
            door.count(MQTT_PASSED_BY, "old_death")
            return
        died = node.node_died()
        self._changed.add(key)
        log.warning("sparkplug_node_died", connector=door.name, node="/".join(key), devices=len(died))
        for device in died:
            yield from self._status(address._replace(device=device), now_ms, "off", door)

    def _status(self, address: Address, time_ms: int, status: str, door: Door) -> Iterator[dict[str, Any]]:
        if self._wishes.on_death == "count":
            return
        try:
            yield from status_of(address, time_ms, self._wishes.mappings, status)
        except InvalidEventError as error:
            door.refuse(f"{address.type} {address.node}/{address.device}", error)

    def _data(
        self, key: tuple[str, str], node: Node, address: Address, payload: Payload, message: Message, door: Door
    ) -> Iterator[dict[str, Any]]:
        readings = list(self._readings(key, node, address, payload, message, door))
        for moment in moments(readings):
            try:
                yield from events_of(moment, address, self._wishes.mappings)
            except InvalidEventError as error:
                door.refuse(message.topic, error)

    def _readings(
        self, key: tuple[str, str], node: Node, address: Address, payload: Payload, message: Message, door: Door
    ) -> Iterator[Reading]:
        unknown: NoBirthError | None = None
        for metric in payload.metrics:
            try:
                known = node.resolve(address.device, metric)
                reading = self._reading(known, metric, payload)
            except NoBirthError as error:
                unknown = unknown or error
            except InvalidEventError as error:
                door.refuse(f"{message.topic} {metric.name or metric.alias}", error)
            else:
                if reading is not None and self._is_new(node, known, reading, address):
                    yield reading
        if unknown is not None:
            door.refuse(message.topic, unknown)
            self._ask(key, message.received_ms, door)

    def _reading(self, known: Known, metric: Metric, payload: Payload) -> Reading | None:
        """None for what no mapping wants, and for null."""
        if known.name not in self._wanted:
            return None
        value = value_of(metric, known.datatype)
        time_ms = payload.timestamp_ms if metric.timestamp_ms is None else metric.timestamp_ms
        if time_ms is None:
            raise InvalidEventError(f"metric {known.name} has no timestamp, nor has its message")
        return None if value is None else Reading(known.name, time_ms, value, metric.is_historical)

    def _is_new(self, node: Node, known: Known, reading: Reading, address: Address) -> bool:
        """A birth says again what was said before: it is no second reading of that moment."""
        latest_ms = node.latest_ms.get((known.device, known.name))
        node.latest_ms[known.device, known.name] = max(reading.time_ms, latest_ms or reading.time_ms)
        return not (address.type.endswith("BIRTH") and latest_ms is not None and reading.time_ms <= latest_ms)

    def _ask(self, key: tuple[str, str], now_ms: int, door: Door) -> None:
        if self._wishes.asks_rebirth and now_ms - self._asked_ms.get(key, -ASK_AGAIN_MS) >= ASK_AGAIN_MS:
            self._asked_ms[key] = self._to_ask[key] = now_ms
            door.count(SPARKPLUG_REBIRTHS)
            log.warning("sparkplug_rebirth_asked", connector=door.name, node="/".join(key))


def _checked(event: dict[str, Any], message: Message, door: Door) -> list[Offered]:
    try:
        return [door.check(event, len(message.payload))]
    except InvalidEventError as error:
        door.refuse(message.topic, error)
        return []


def _bd_seq(payload: Payload) -> int | None:
    whole = (metric for metric in payload.metrics if metric.name == _BD_SEQ and metric.field in {INT, LONG})
    return next((int(metric.value) for metric in whole), None)


def _name(door: Door, key: tuple[str, str], what: str) -> str:
    return f"{door.name}:{what}:{'/'.join(key)}"
