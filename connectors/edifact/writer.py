"""Events to one EDIFACT interchange: a COARRI for each call and kind of work, a CODECO for each site and direction.

What a reader of ours makes of it is the events again, in everything that the messages carry.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from connectors.edifact.moments import local_text
from connectors.edifact.syntax import Segment, text_of
from connectors.kafka.outgoing import parse_time
from connectors.messages.places import PORT, zone_of
from connectors.messages.said import CARGO, GATE, RefusedPartError
from connectors.messages.written import Written, named

# BGM 1001 as the guides that we know write them.
CODES: Final = {
    "CODECO": {"gated_in": "34", "gated_out": "36"},
    "COARRI": {"discharged": "98", "loaded": "270"},
}
_HERE: Final = {"discharged": "11", "loaded": "9", "gated_in": "165", "gated_out": "165"}
_WHEN: Final = {"CODECO": "7", "COARRI": "203"}
_MOST_EQUIPMENT: Final = 999
_SHIP: Final = ("voyage", "vessel_call_sign", "vessel_imo", "vessel_name", "carrier", "call_id")


class Letter(NamedTuple):
    """Who writes to whom, when, and the offset of the local times that EDIFACT has."""

    sender: str
    recipient: str
    at: datetime
    offset: str = "+07:00"


class _Box(NamedTuple):
    event: dict[str, Any]
    at: datetime
    plate: str | None

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.event["data"]
        return data


def write(events: Iterable[dict[str, Any]], kind: str, letter: Letter) -> Written:
    """CODECO or COARRI, by `kind`. Gate steps among the events give the plates of a CODECO.

    What the kind does not carry (another milestone, a character beyond ISO 8859-1) is refused, and the rest written.
    """
    given = list(events)
    plates = {_truck(e): e["data"].get("truck_plate") for e in given if e["type"] == GATE}
    groups: dict[tuple[Any, ...], list[_Box]] = {}
    refused: list[str] = []
    for event in (e for e in given if e["type"] == CARGO):
        try:
            box = _box(event, kind, plates)
        except RefusedPartError as error:
            refused.append(named(event, error))
            continue
        groups.setdefault(_key(box, kind), []).append(box)
    bodies = [_body(part, kind, letter) for boxes in groups.values() for part in _pieces(boxes)]
    return Written(_interchange(bodies, kind, letter), sum(map(len, groups.values())), refused)


def _box(event: dict[str, Any], kind: str, plates: dict[tuple[Any, ...], Any]) -> _Box:
    milestone = event["data"]["milestone"]
    if milestone not in CODES[kind]:
        raise RefusedPartError(f"{kind} has no {milestone}")
    at = parse_time(event["time"])
    if at is None:
        raise RefusedPartError(f"time {event['time']} is not RFC 3339 with offset")
    text = "".join(_texts(event["data"]))
    odd = next((c for c in text if ord(c) > 255 or not c.isprintable()), None)
    if odd is not None:
        raise RefusedPartError(f"{odd!r} is not in ISO 8859-1")
    return _Box(event, at, plates.get((event["subject"].rpartition("-")[0], event["data"]["equipment_reference"], at)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _truck(step: dict[str, Any]) -> tuple[Any, ...]:
    return step["subject"].rpartition("-")[0], step["data"].get("equipment_reference"), parse_time(step["time"])


def _key(box: _Box, kind: str) -> tuple[Any, ...]:
    site = box.event["subject"].rpartition("-")[0]
    document = (box.data.get("document"), box.data.get("document_function"))
    ship = tuple(box.data.get(name) for name in _SHIP)
    return kind, site, box.data["milestone"], *document, *ship


def _pieces(boxes: Sequence[_Box]) -> Iterator[Sequence[_Box]]:
    for start in range(0, len(boxes), _MOST_EQUIPMENT):
        yield boxes[start : start + _MOST_EQUIPMENT]


def _segment(tag: str, *elements: str | Sequence[str]) -> Segment:
    return Segment(tag, tuple((e,) if isinstance(e, str) else tuple(e) for e in elements))


def _body(boxes: Sequence[_Box], kind: str, letter: Letter) -> list[Segment]:
    """Everything of a message but UNH, UNT and a document number that nobody gave."""
    first = boxes[0]
    milestone = first.data["milestone"]
    segments = [
        _segment(
            "BGM", CODES[kind][milestone], first.data.get("document", ""), first.data.get("document_function", "9")
        ),
        _segment("DTM", ("137", *local_text(letter.at, zone_of(letter.offset)))),
        *_ship(first.data),
        _here(first.event["subject"], _HERE[milestone]),
    ]
    for box in boxes:
        segments += _equipment(box, kind, letter.offset)
    return [*segments, _segment("CNT", ("16", str(len(boxes))))]


def _ship(data: dict[str, Any]) -> Iterator[Segment]:
    if data.get("call_id"):
        yield _segment("RFF", ("ATZ", data["call_id"]))
    if not any(data.get(name) for name in _SHIP[:-1]):
        return
    number, listed = data.get("vessel_imo"), "146"
    if not number:
        number, listed = data.get("vessel_call_sign"), "103"
    carrier = (data["carrier"], "172", "20") if data.get("carrier") else ""
    ship = (number or "", listed if number else "", "", data.get("vessel_name", ""))
    yield _segment("TDT", "20", data.get("voyage", ""), "1", "", carrier, "", "", ship)


def _here(subject: str, qualifier: str) -> Segment:
    locode, terminal, _ = subject.split("-", 2)
    place = (terminal, "72", "306") if terminal != PORT else ""
    return _segment("LOC", qualifier, (locode, "139", "6"), place)


def _equipment(box: _Box, kind: str, offset: str) -> Iterator[Segment]:
    data = box.data
    empty = "" if data.get("empty") is None else "4" if data["empty"] else "5"
    code = (data["iso_equipment_code"], "102", "5") if data.get("iso_equipment_code") else ""
    yield _segment("EQD", "CN", data["equipment_reference"], code, "", data.get("equipment_status", ""), empty)
    for qualifier, name in (("BN", "booking"), ("BM", "bill_of_lading")):
        if data.get(name):
            yield _segment("RFF", (qualifier, data[name]))
    yield _segment("DTM", (_WHEN[kind], *local_text(box.at, zone_of(offset))))
    yield from _places(data)
    yield from _weights(data)
    if data.get("temperature_c") is not None:
        yield _segment("TMP", "2", (_digits(data["temperature_c"]), "CEL"))
    for seal in data.get("seals", ()):
        yield _segment("SEL", seal.get("number", ""), seal.get("issuer", ""))
    for goods in data.get("dangerous_goods", ()):
        yield _segment("DGS", "IMD", goods.get("class", ""), goods.get("un_number", ""))
    for damage in data.get("damages", ()):
        yield _segment("DAM", "1", damage.get("type", ""), damage.get("area", ""))
    if box.plate:
        yield _segment("TDT", "1", "", "3", "", "", "", "", (box.plate, "146"))


def _places(data: dict[str, Any]) -> Iterator[Segment]:
    for qualifier, name, agency in (
        ("9", "port_of_loading", ("139", "6")),
        ("11", "port_of_discharge", ("139", "6")),
        ("147", "stowage_cell", ("139", "5")),
    ):
        if data.get(name):
            yield _segment("LOC", qualifier, (data[name], *agency))


def _weights(data: dict[str, Any]) -> Iterator[Segment]:
    for name, kind in (("weight_kg", data.get("weight_kind", "G")), ("tare_kg", "T")):
        if data.get(name) is not None:
            yield _segment("MEA", "AAE", kind, ("KGM", _digits(data[name])))


def _digits(number: float) -> str:
    return f"{Decimal(repr(number)).normalize():f}"


def _interchange(bodies: Sequence[Sequence[Segment]], kind: str, letter: Letter) -> bytes:
    """References are of the content: the same events at the same moment are the same interchange."""
    text = "".join(text_of(segment) for body in bodies for segment in body)
    reference = hashlib.sha256(text.encode("latin-1", "replace")).hexdigest()[:14].upper()
    local = letter.at.astimezone(zone_of(letter.offset))
    prepared = (local.strftime("%y%m%d"), local.strftime("%H%M"))
    lines = [_segment("UNB", ("UNOC", "3"), letter.sender, letter.recipient, prepared, reference)]
    for number, body in enumerate(bodies, start=1):
        lines += _message(body, kind, f"{number:06d}", f"{reference}{number:04d}")
    lines.append(_segment("UNZ", str(len(bodies)), reference))
    return ("\r\n".join(text_of(line) for line in lines) + "\r\n").encode("latin-1")


def _message(body: Sequence[Segment], kind: str, reference: str, document: str) -> list[Segment]:
    head = body[0] if body[0].get(1) else _segment("BGM", body[0].get(0), document, body[0].get(2))
    segments = [_segment("UNH", reference, (kind, "D", "95B", "UN")), head, *body[1:]]
    return [*segments, _segment("UNT", str(len(segments) + 1), reference)]
