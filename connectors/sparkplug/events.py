"""From metrics to events: those of one moment together, by the mappings; and what a death says of its assets."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from connectors.csv.mapping import Mapping
from connectors.mqtt.reading import facts, text_of
from connectors.sparkplug.topic import Address
from connectors.sparkplug.values import Value

STATUS: Final = "io.quaystream.crane.status.v1"
_CRANE: Final = "io.quaystream.crane."


class Reading(NamedTuple):
    """One value of one metric, when it was taken (epoch milliseconds), and whether it was stored before it was sent."""

    name: str
    time_ms: int
    value: Value
    is_historical: bool


Moment = dict[str, Reading]


def moments(readings: Iterable[Reading]) -> list[Moment]:
    """Readings of the same time together, by name, in the order they came; a second one of a name is another moment."""
    found: list[Moment] = []
    last: dict[tuple[int, bool], Moment] = {}
    for reading in readings:
        key = (reading.time_ms, reading.is_historical)
        if key not in last or reading.name in last[key]:
            last[key] = {}
            found.append(last[key])
        last[key][reading.name] = reading
    return found


def events_of(moment: Moment, address: Address, mappings: Sequence[Mapping]) -> Iterator[dict[str, Any]]:
    """One event for each mapping that one of the readings belongs to. Raises InvalidEventError."""
    any_reading = next(iter(moment.values()))
    cells = {name: text_of(reading.value) for name, reading in moment.items()}
    for mapping in mappings:
        if any(field.column in moment for field in mapping.fields.values()):
            event = facts({**cells, **own_cells(address, any_reading.time_ms)}, mapping)
            # Kept with the event: it was true at its time, and is not what is so now.
            yield _with_data(event, is_historical=True) if any_reading.is_historical else event


def status_of(address: Address, time_ms: int, mappings: Sequence[Mapping], status: str) -> list[dict[str, Any]]:
    """What a birth or death says of the cranes that a mapping makes of this asset. Raises InvalidEventError."""
    own = own_cells(address, time_ms)
    known = [facts(own, mapping) for mapping in mappings if mapping.type.startswith(_CRANE)]
    by_subject = {fact["subject"]: fact for fact in known}
    data = {"status": status, "reason": f"sparkplug {address.type}"}
    return [{**fact, "type": STATUS, "data": data} for fact in by_subject.values()]


def own_cells(address: Address, time_ms: int) -> dict[str, str]:
    """What a mapping may name beside the metrics."""
    words = {"group": address.group, "node": address.node, "device": address.device, "asset": address.asset}
    return {**{f"sparkplug.{name}": word for name, word in words.items()}, "sparkplug.time_ms": str(time_ms)}


def _with_data(event: dict[str, Any], **more: Value) -> dict[str, Any]:
    return {**event, "data": {**event["data"], **more}}
