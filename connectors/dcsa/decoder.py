"""DCSA JSON to events: which shape an object has, what becomes of it, and under which identity."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from connectors.dcsa.equipment import cargo_event
from connectors.dcsa.partner import DcsaPartner
from connectors.dcsa.reading import part, text
from connectors.dcsa.vessels import port_call_event, schedule_events, transport_event
from connectors.messages.places import asset_name
from connectors.messages.said import RefusedPartError, Said, Told, Untold

_TYPES: Final = ("EQUIPMENT", "TRANSPORT", "SHIPMENT")


def decode(content: bytes, notes: Counter[str], partner: DcsaPartner) -> Iterator[Said]:
    """The events of a document: a list of events or of schedules, an object with `events`, or one event."""
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        yield Untold(f"not JSON: {error}", "document", content)
        return
    found = document.get("events", [document]) if isinstance(document, dict) else document
    if not isinstance(found, list):
        yield Untold("neither an event nor a list of them", "document", content)
        return
    for number, said in enumerate(found, start=1):
        if not isinstance(said, dict):
            yield Untold("not an object", f"event {number}", msgspec.json.encode(said))
        elif "vesselSchedules" in said:
            yield from _schedules(said, number, notes, partner)
        else:
            yield from _told(said, f"event {number}", notes, partner)


def _told(said: dict[str, Any], place: str, notes: Counter[str], partner: DcsaPartner) -> Iterator[Said]:
    try:
        flat = _flat(said)
        event = _event(flat, partner)
        if isinstance(event, str):
            notes[f"nothing_for_us: {event}"] += 1
            return
        yield Told({**event, **_identity(flat)}, place)
    except RefusedPartError as error:
        yield Untold(str(error), place, msgspec.json.encode(said))


def _schedules(said: dict[str, Any], number: int, notes: Counter[str], partner: DcsaPartner) -> Iterator[Said]:
    """Two services may carry one call: its timestamps have one identity, and are stored once."""
    for name, flat in schedule_events(said, partner):
        place = f"schedule {number}, {name}"
        try:
            event = transport_event(flat, partner)
        except RefusedPartError as error:
            yield Untold(str(error), place, msgspec.json.encode(flat))
            continue
        if isinstance(event, str):
            notes[f"nothing_for_us: {event}"] += 1
            continue
        digest = hashlib.sha256(msgspec.json.encode(event, order="sorted")).hexdigest()[:16]
        yield Told({**event, "id": f"schedule/{digest}", "source": "/dcsa/schedules"}, place)


def _flat(said: dict[str, Any]) -> dict[str, Any]:
    """Any shape of event as track and trace 2.2 has it. Raises RefusedPartError for a retraction."""
    head = part(said, "metadata")
    if retracted := text(head, "retractedEventID") or text(said, "retractedEventID"):
        raise RefusedPartError(f"it retracts event {retracted}: nothing can be taken back")
    return {
        **said,
        **head,
        **part(said, "payload"),
        **part(said, "eventClassification"),
        **part(said, "equipmentDetails"),
    }


def _event(flat: dict[str, Any], partner: DcsaPartner) -> dict[str, Any] | str:
    if "portCallService" in flat:
        return port_call_event(flat, partner)
    match text(flat, "eventType", "eventTypeCode"):
        case "EQUIPMENT":
            return cargo_event(flat, partner.site)
        case "TRANSPORT":
            return transport_event(flat, partner)
        case "SHIPMENT":
            return "shipment event"
        case "REEFER" | "IOT" | "OPERATIONS" as other:
            return f"{other.lower()} event"
        case other:
            raise RefusedPartError(f"eventType {other!r} is none of {', '.join(_TYPES)}")


def _identity(flat: dict[str, Any]) -> dict[str, str]:
    """An event said anew has its id and another time of update: it is another event of ours."""
    number = text(flat, "eventID")
    if not number:
        raise RefusedPartError("eventID is missing")
    updated = text(flat, "eventUpdatedDateTime")
    publisher = flat.get("publisher")
    name = (
        publisher
        if isinstance(publisher, str)
        else text(part(part(flat, "eventRouting"), "originatingParty"), "partyCode")
    )
    return {
        "id": f"{number}@{updated}" if updated else number,
        "source": f"/dcsa/{asset_name(name or 'unnamed').lower()}",
    }
