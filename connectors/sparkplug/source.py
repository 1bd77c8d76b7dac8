"""Reads births, data and deaths, in the order they come. What births said is kept in the spool, with the events."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from connectors.edge.door import Door
from connectors.edge.errors import InvalidEventError
from connectors.edge.event import Offered
from connectors.edge.spool import Cursor
from connectors.mqtt.inbox import Message
from connectors.sparkplug.errors import UndecodableError
from connectors.sparkplug.node import Node, Table
from connectors.sparkplug.telling import Heard, Telling
from connectors.sparkplug.topic import address_of, command, filters
from connectors.sparkplug.wire import payload_of, rebirth_request
from schemas.metrics import CONNECTOR_MISSING, MQTT_PASSED_BY, SPARKPLUG_REBIRTHS

log = structlog.get_logger()

# A node that is asked again and again does nothing else than being born.
ASK_AGAIN_MS: Final = 10_000

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Wishes:
    """Which groups to listen to, and whether nodes are asked for their births."""

    groups: tuple[str, ...]
    asks_rebirth: bool


class SparkplugReader:
    """The reader of a source of kind `sparkplug`. Nodes are known by group and name."""

    def __init__(self, wishes: Wishes, telling: Telling) -> None:
        self._wishes = wishes
        self._telling = telling
        self._nodes: dict[Key, Node] = {}
        self._asked_ms: dict[Key, int] = {}
        self._to_ask: dict[Key, int] = {}
        self._heard: set[Key] = set()

    def filters(self) -> Sequence[str]:
        """Births, data and deaths of the groups."""
        return filters(self._wishes.groups)

    async def read(self, message: Message, door: Door) -> list[Offered]:
        """The events of a message. Raises InvalidEventError where it is none of Sparkplug's."""
        address = address_of(message.topic)
        payload = payload_of(message.payload)
        key = (address.group, address.node)
        heard = Heard(await self._node(key, door), address, payload, message, door)
        if _is_repeat(heard):
            door.count(MQTT_PASSED_BY, "repeat")
            return []
        self._heard.add(key)
        _number(heard)
        events = list(self._telling.events(heard))
        if not events and address.type in {"NDATA", "DDATA"}:
            door.count(MQTT_PASSED_BY, "unmapped")
        if heard.node.misses:
            self._ask(key, heard)
        return [found for event in events for found in _checked(event, heard)]

    def reconnected(self) -> None:
        """Nodes speak at QoS 0, so what they said meanwhile is gone, a birth perhaps among it."""
        for node in self._nodes.values():
            node.is_unbroken = False

    def cursors(self, door: Door) -> list[Cursor]:
        """How far each `seq` is, and the tables of those that were born or died."""
        found = []
        for key in sorted(self._heard):
            node = self._nodes[key]
            found.append(Cursor(_name(door, "seq", key), "" if node.seq is None else str(node.seq)))
            if node.has_changed:
                found.append(Cursor(_name(door, "births", key), msgspec.json.encode(node.table).decode()))
                node.has_changed = False
        self._heard.clear()
        return found

    def requests(self) -> list[tuple[str, bytes]]:
        """The rebirths to ask for."""
        asked = [(command(*key), rebirth_request(now_ms)) for key, now_ms in self._to_ask.items()]
        self._to_ask.clear()
        return asked

    async def _node(self, key: Key, door: Door) -> Node:
        if key not in self._nodes:
            births, seq = await door.cursor(_name(door, "births", key)), await door.cursor(_name(door, "seq", key))
            table = Table() if births is None else msgspec.json.decode(births, type=Table)
            self._nodes[key] = Node(table, int(seq) if seq else None)
        return self._nodes[key]

    def _ask(self, key: Key, heard: Heard) -> None:
        heard.node.misses = False
        now_ms = heard.message.received_ms
        if self._wishes.asks_rebirth and abs(now_ms - self._asked_ms.get(key, 0)) >= ASK_AGAIN_MS:
            self._asked_ms[key] = self._to_ask[key] = now_ms
            heard.door.count(SPARKPLUG_REBIRTHS)
            log.warning("sparkplug_rebirth_asked", connector=heard.door.name, node="/".join(key))


def _number(heard: Heard) -> None:
    """Follow `seq`: what is missing is counted, and a birth may be among it. A node's death has none."""
    node, payload = heard.node, heard.payload
    if heard.address.type == "NDEATH":
        return
    if payload.seq is None:
        raise UndecodableError(f"{heard.address.type} has no seq")
    is_birth = heard.address.type == "NBIRTH"
    missing = node.restart(payload.seq) if is_birth else node.advance(payload.seq, heard.message.received_ms)
    if missing:
        node.misses = not is_birth
        heard.door.count(CONNECTOR_MISSING, by=missing)
        log.warning("sparkplug_gap", connector=heard.door.name, node=heard.address.node, missing=missing)


def _is_repeat(heard: Heard) -> bool:
    """The same number and the same bytes once more: the node was not sure whether the broker had them."""
    node, message = heard.node, heard.message
    before, node.said_last = node.said_last, hashlib.sha256(message.topic.encode() + message.payload).hexdigest()
    return heard.payload.seq is not None and heard.payload.seq == node.seq and node.said_last == before


def _checked(event: dict[str, Any], heard: Heard) -> list[Offered]:
    try:
        return [heard.door.check(event, len(heard.message.payload))]
    except InvalidEventError as error:
        heard.door.refuse(heard.message.topic, error, heard.message.payload)
        return []


def _name(door: Door, what: str, key: Key) -> str:
    return f"{door.name}:{what}:{'/'.join(key)}"
