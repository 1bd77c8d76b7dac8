"""What a request says: its events checked and decoded, and the files that it announces. Raises `AnswerError` where it cannot be."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from connectors.edge.event import Offered
from connectors.network.decoded import Decoded, Undecoded
from connectors.network.offers import offers
from connectors.network.records import Origin
from connectors.network.subjects import Subjects, asset_name
from connectors.ves.decoder import VesDecoder
from connectors.ves.file_ready import Announced, announced_in
from connectors.ves_http.answers import bad_part, invalid, unusable
from connectors.ves_http.kinds import Need, Problem
from connectors.ves_http.shapes import problem_of_event

Root = Literal["event", "eventList"]
Event = Mapping[str, Any]
_SORTED: Final = msgspec.json.Encoder(order="sorted").encode
# Given by the origin of an event; here every event is one, and needs no numbers (ADR 0018 has them for files).
_NUMBERS: Final = ("bootid", "sequence")


@dataclass(slots=True)
class Read:
    """What a request holds for us, and what was remarkable in it."""

    offered: list[Offered] = field(default_factory=list)
    announced: list[Announced] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    undecoded: list[str] = field(default_factory=list)


def read(body: bytes, root: Root, need: Need, subjects: Subjects) -> Read:
    """The events of a body. An event that says nothing usable refuses the request; a part of one is sent on undecoded."""
    found, decoder = Read(), VesDecoder()
    for at, event in _events(body, root, need):
        announced = announced_in(event)
        parts = [] if announced else list(decoder.decode_event(event))
        refused = [part.why for part in parts if isinstance(part, Undecoded)]
        if refused and not any(isinstance(part, Decoded) for part in parts):
            raise unusable(f"{at}: {refused[0]}")
        found.undecoded += [f"{at}: {why}" for why in refused]
        found.offered += _offered(event, parts, subjects)
        found.announced += announced
    found.notes = decoder.notes
    if found.announced:
        found.notes["file_announced"] += len(found.announced)
    return found


def _events(body: bytes, root: Root, need: Need) -> list[tuple[str, Event]]:
    """Each with where it stands, all of the right format."""
    try:
        message = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_part(f"body: not JSON: {error}") from error
    if not isinstance(message, dict):
        raise bad_part("body: not a JSON object")
    if root not in message:
        raise invalid(Problem(root))
    given: list[tuple[str, Any]] = [(root, message[root])] if root == "event" else _members(message[root])
    for at, event in given:
        if problem := problem_of_event(event, at, need):
            raise invalid(problem)
    return given


def _members(events: Any) -> list[tuple[str, Any]]:
    if not isinstance(events, list):
        raise invalid(Problem("eventList", "not a list"))
    return [(f"eventList[{position}]", event) for position, event in enumerate(events)]


def _offered(event: Event, parts: list[Decoded | Undecoded], subjects: Subjects) -> list[Offered]:
    """Known by their content: sent again, alone or in a batch, to us or to our neighbour, they are stored once."""
    header = event["commonEventHeader"]
    element = str(header.get("sourceName") or header.get("reportingEntityName"))
    origin = Origin(f"/ves/{asset_name(element)}", hashlib.sha256(_SORTED(event)).hexdigest()[:20])
    return [_unnumbered(offered) for offered in offers(parts, origin, subjects)]


def _unnumbered(offered: Offered) -> Offered:
    event = {name: value for name, value in offered.event.items() if name not in _NUMBERS}
    return Offered(event, offered.topic)
