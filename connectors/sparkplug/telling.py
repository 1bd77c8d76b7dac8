"""What one message says: readings of a birth or of data, or the status that a birth or death gives its assets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import structlog

from connectors.csv.mapping import Mapping
from connectors.edge.door import Door
from connectors.edge.errors import InvalidEventError
from connectors.mqtt.inbox import Message
from connectors.sparkplug.errors import BadBirthError, NoBirthError
from connectors.sparkplug.events import STATUS, Reading, events_of, moments, status_of
from connectors.sparkplug.node import Known, Node
from connectors.sparkplug.topic import Address
from connectors.sparkplug.values import value_of
from connectors.sparkplug.wire import INT, LONG, Metric, Payload
from schemas.metrics import MQTT_PASSED_BY

log = structlog.get_logger()

OnDeath = Literal["status", "count"]
_BD_SEQ: Final = "bdSeq"


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, and the node that said it."""

    node: Node
    address: Address
    payload: Payload
    message: Message
    door: Door

    @property
    def said_ms(self) -> int:
        """When the node says it was, else when it came."""
        return self.payload.timestamp_ms or self.message.received_ms


class Telling:
    """Makes events by the mappings; what a node has said changes what we know of it."""

    def __init__(self, mappings: Sequence[Mapping], on_death: OnDeath) -> None:
        self._mappings = mappings
        self._on_death = on_death
        self._wanted = {field.column for mapping in mappings for field in mapping.fields.values()}

    def events(self, heard: Heard) -> Iterator[dict[str, Any]]:
        """In order; what cannot be one is refused, counted, and passed over."""
        says = {"NBIRTH": self._node_birth, "DBIRTH": self._device_birth}
        says |= {"NDEATH": self._node_death, "DDEATH": self._device_death}
        return says.get(heard.address.type, self._data)(heard)

    def _node_birth(self, heard: Heard) -> Iterator[dict[str, Any]]:
        heard.node.node_born(_bd_seq(heard.payload), heard.payload.metrics)
        self._doubt(heard)
        yield from self._data(heard)

    def _device_birth(self, heard: Heard) -> Iterator[dict[str, Any]]:
        was_lost = heard.node.device_born(heard.address.device, heard.payload.metrics)
        self._doubt(heard)
        events = list(self._data(heard))
        # It lives; unless it says itself what it does.
        if was_lost and not any(event["type"] == STATUS for event in events):
            yield from self._status(heard, heard.address, heard.said_ms, "on")
        yield from events

    def _node_death(self, heard: Heard) -> Iterator[dict[str, Any]]:
        """The will was left with the broker when the node came: it says which birth it ends, but not when."""
        table, address = heard.node.table, heard.address
        if table.bd_seq is not None and _bd_seq(heard.payload) != table.bd_seq:
            heard.door.count(MQTT_PASSED_BY, "old_death")
            return
        died = heard.node.node_died()
        log.warning("sparkplug_node_died", connector=heard.door.name, node=address.node, devices=len(died))
        for device in died:
            yield from self._status(heard, address._replace(device=device), heard.message.received_ms, "off")

    def _device_death(self, heard: Heard) -> Iterator[dict[str, Any]]:
        heard.node.device_died(heard.address.device)
        yield from self._status(heard, heard.address, heard.said_ms, "off")

    def _data(self, heard: Heard) -> Iterator[dict[str, Any]]:
        for moment in moments(list(self._readings(heard))):
            try:
                yield from events_of(moment, heard.address, self._mappings)
            except InvalidEventError as error:
                heard.door.refuse(heard.message.topic, error, heard.message.payload)

    def _readings(self, heard: Heard) -> Iterator[Reading]:
        unknown: NoBirthError | None = None
        for metric in heard.payload.metrics:
            try:
                known = heard.node.resolve(heard.address.device, metric)
                reading = self._reading(known, metric, heard)
            except NoBirthError as error:
                unknown = unknown or error
            except InvalidEventError as error:
                heard.door.refuse(f"{heard.message.topic} {metric.name or metric.alias}", error, heard.message.payload)
            else:
                if reading is not None and _is_new(heard, known, reading):
                    yield reading
        if unknown is not None:
            heard.door.refuse(heard.message.topic, unknown, heard.message.payload)
            heard.node.misses = True

    def _reading(self, known: Known, metric: Metric, heard: Heard) -> Reading | None:
        """None for what no mapping wants, and for null."""
        if known.name not in self._wanted:
            return None
        value = value_of(metric, known.datatype)
        time_ms = heard.payload.timestamp_ms if metric.timestamp_ms is None else metric.timestamp_ms
        if time_ms is None:
            raise InvalidEventError(f"metric {known.name} has no timestamp, nor has its message")
        return None if value is None else Reading(known.name, time_ms, value, metric.is_historical)

    def _status(self, heard: Heard, address: Address, time_ms: int, status: str) -> Iterator[dict[str, Any]]:
        if self._on_death == "count":
            return
        try:
            yield from status_of(address, time_ms, self._mappings, status)
        except InvalidEventError as error:
            heard.door.refuse(f"{heard.message.topic} {address.device}", error, heard.message.payload)

    def _doubt(self, heard: Heard) -> None:
        if heard.node.twice:
            error = BadBirthError(f"alias {min(heard.node.twice)} is given to two metrics: neither is known by it")
            heard.door.refuse(heard.message.topic, error, heard.message.payload)


def _is_new(heard: Heard, known: Known, reading: Reading) -> bool:
    """A birth says again what was said before: it is no second reading of that moment."""
    latest, key = heard.node.latest_ms, (known.device, known.name)
    latest_ms = latest.get(key)
    latest[key] = max(reading.time_ms, latest_ms or reading.time_ms)
    return not (heard.address.type.endswith("BIRTH") and latest_ms is not None and reading.time_ms <= latest_ms)


def _bd_seq(payload: Payload) -> int | None:
    whole = (metric for metric in payload.metrics if metric.name == _BD_SEQ and metric.field in {INT, LONG})
    return next((int(metric.value) for metric in whole), None)
