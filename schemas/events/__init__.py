"""The event types, one pydantic model each: the contract, from which every other form is derived."""

from schemas.events import cargo, cell, crane, gate, vessel
from schemas.events.model import EventData, EventPart

DOMAINS: tuple[str, ...] = ("crane", "gate", "cell", "cargo", "vessel")
EVENTS_BY_DOMAIN: dict[str, tuple[type[EventData], ...]] = {
    "crane": crane.EVENTS,
    "gate": gate.EVENTS,
    "cell": cell.EVENTS,
    "cargo": cargo.EVENTS,
    "vessel": vessel.EVENTS,
}
MODELS: dict[str, type[EventData]] = {model.TYPE: model for events in EVENTS_BY_DOMAIN.values() for model in events}

__all__ = ["DOMAINS", "EVENTS_BY_DOMAIN", "MODELS", "EventData", "EventPart"]
