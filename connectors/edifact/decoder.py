"""EDIFACT to events: a cargo milestone for each container of a CODECO or COARRI, and a gate step for each of a truck.

Identity follows from interchange, message and segment, so that a file read twice makes nothing new.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from connectors.edifact.facts import equipment_facts, vessel_facts
from connectors.edifact.interchange import Broken, Message, read
from connectors.edifact.moments import is_day, moment
from connectors.edifact.partner import EdifactPartner
from connectors.edifact.report import KINDS, Part, Report, report_of
from connectors.edifact.syntax import Segment, text_of
from connectors.kafka.outgoing import time_text
from connectors.messages.places import asset_name, site_of_terminal, zone_of
from connectors.messages.said import CARGO, GATE, RefusedPartError, Said, Told, Untold

_ROAD: Final = "3"
_PLATE_LISTS: Final = frozenset({"", "146"})
# DTM 2005, best first: the lift was executed, the gate move took effect.
_WHEN: Final = {"COARRI": ("203", "7"), "CODECO": ("7", "203")}
# LOC 3227 of the place that speaks: where it happens, else the port where this report's boxes are worked.
_HERE: Final = {"discharged": ("165", "11"), "loaded": ("165", "9")}
_VIET_NAM: Final = "VN"
CALL: Final = "ATZ"
_ORIGINAL: Final = "9"


def decode(content: bytes, notes: Counter[str], partner: EdifactPartner) -> Iterator[Said]:
    """The events of a file; `notes` counts what carries nothing for us, and what was assumed."""
    for found in read(content):
        if isinstance(found, Broken):
            yield Untold(found.why, found.place, found.raw.encode("latin-1"))
        elif found.kind[0] not in KINDS:
            notes[f"nothing_for_us: {found.kind[0] or 'a message without a type'}"] += 1
        else:
            yield from _told(found, notes, partner)


def _told(message: Message, notes: Counter[str], partner: EdifactPartner) -> Iterator[Said]:
    place = f"{message.kind[0]} {message.reference}"
    try:
        report = report_of(message)
        reading = _Reading(message, report, partner, vessel_facts(report), _trucks(report))
        milestone = reading.milestone()
    except RefusedPartError as error:
        yield Untold(str(error), place, message.raw.encode("latin-1"))
        return
    for group in reading.report.equipment:
        head = group.segments[0]
        where = f"{place}, segment {head.number}"
        if head.get(0) != "CN":
            notes[f"nothing_for_us: equipment {head.get(0)}"] += 1
            continue
        try:
            yield from reading.events(group, milestone, where, notes)
        except RefusedPartError as error:
            part = "".join(text_of(segment) for segment in group.segments)
            yield Untold(f"{head.get(1)}: {error}", where, part.encode("latin-1"))


class _Reading(NamedTuple):
    message: Message
    report: Report
    partner: EdifactPartner
    ship: dict[str, Any]
    trucks: dict[str, int]

    def milestone(self) -> str:
        found = self.partner.milestone(self.report.kind, self.report.code)
        if found is None:
            raise RefusedPartError(
                f"{self.report.kind} with document code {self.report.code or 'nothing'}: "
                f"say in the partner's file, under {self.report.kind.lower()}, what it means"
            )
        return found

    def events(self, group: Part, milestone: str, where: str, notes: Counter[str]) -> Iterator[Told]:
        head = group.segments[0]
        site = self._site(group, milestone)
        at, stated = self._time(group)
        said = {"equipment_reference": head.get(1), **equipment_facts(group), **stated, **self._document()}
        if not site.startswith(_VIET_NAM) and "offset" not in self.partner.model_fields_set:
            notes[f"offset_assumed: {self.partner.offset} for {site[:5]}"] += 1
            said["offset_assumed"] = self.partner.offset
        about = {**said, "milestone": milestone, **self.ship}
        if call := self._call(about):
            about["call_id"] = call
        yield Told(self._event(CARGO, f"{site}-{asset_name(head.get(1))}", at, about, group), where)
        if step := self._gate_step(group, milestone, said):
            yield Told(self._event(GATE, f"{site}-{self.partner.gate}", at, step, group), where)

    def _event(self, kind: str, subject: str, at: datetime, data: dict[str, Any], group: Part) -> dict[str, Any]:
        """Named by interchange, message and segment; and by the group's text, for references come back after a while."""
        sent = self.message.interchange
        name = ".".join(filter(None, (sent.reference, sent.prepared))) or "bare"
        digest = hashlib.sha256(msgspec.json.encode([s[:2] for s in group.segments])).hexdigest()[:8]
        place = f"{self.message.reference}/{group.segments[0].number}/{kind.split('.')[2]}"
        return {
            "id": f"{name}/{place}/{digest}",
            "source": f"/edifact/{asset_name(sent.sender or 'unnamed').lower()}",
            "type": kind,
            "subject": subject,
            "time": time_text(at),
            "data": data,
        }

    def _site(self, group: Part, milestone: str) -> str:
        qualifiers = _HERE.get(milestone, ("165",))
        # A box's own ports (9, 11) are where it came from or goes to; those of the whole report are here.
        found = group.first("LOC", "165") or self.report.header.first("LOC", *qualifiers)
        if found is None:
            return self.partner.site
        return site_of_terminal(found.get(1), found.get(2), self.partner.site)

    def _time(self, group: Part) -> tuple[datetime, dict[str, str]]:
        qualifiers = _WHEN[self.report.kind]
        found = group.first("DTM", *qualifiers) or self.report.header.first("DTM", *qualifiers)
        if found is None:
            raise RefusedPartError(f"no DTM {' or '.join(qualifiers)}: when it happened is not said")
        text, form = found.get(0, 1), found.get(0, 2)
        stated = {"local_time": text} | ({"time_precision": "day"} if is_day(form) else {})
        return moment(text, form, zone_of(self.partner.offset)), stated

    def _document(self) -> dict[str, Any]:
        number, function = self.report.number, self.report.function
        said = {"document": number, "document_function": "" if function == _ORIGINAL else function}
        return {name: text for name, text in said.items() if text}

    def _call(self, facts: dict[str, Any]) -> str | None:
        ship = facts.get("vessel_imo") or facts.get("vessel_call_sign")
        voyage = facts.get("voyage")
        given = self.report.header.get("RFF", CALL)
        if given or not ship:
            return given or None
        name = f"{ship} {voyage}" if voyage else str(ship)
        return self.partner.calls.get(name, name.replace(" ", "-"))

    def _gate_step(self, group: Part, milestone: str, said: dict[str, Any]) -> dict[str, Any] | None:
        leg = self.report.inland(group)
        if leg is None or leg.get(2) != _ROAD or not self.partner.gate_steps or not milestone.startswith("gated_"):
            return None
        plate = _plate(leg)
        step: dict[str, Any] = {
            "visit_id": self._visit(group, plate),
            "lane": self.partner.lane,
            "direction": milestone.removeprefix("gated_"),
            "step": "gate_left",
            "actor": "system",
            "manual": False,
            "equipment_reference": said["equipment_reference"],
        }
        return step | ({"truck_plate": plate} if plate else {}) | _chosen(said, "weight_kg", "document", "local_time")

    def _visit(self, group: Part, plate: str) -> str:
        """As the partner names it; else the document, and which of its trucks, or boxes: a plate is no name to pass on."""
        name = self.partner.visit
        given = (group.get("RFF", name) or self.report.header.get("RFF", name)) if name else ""
        which = self.trucks[plate] if plate else group.segments[0].get(1)
        return given or f"{self.report.number or self.message.reference}-{which}"


def _trucks(report: Report) -> dict[str, int]:
    """The plates of a report, numbered as they come: boxes on one truck are one visit."""
    legs = (leg for group in report.equipment if (leg := report.inland(group)))
    plates = dict.fromkeys(plate for leg in legs if (plate := _plate(leg)))
    return {plate: number for number, plate in enumerate(plates, start=1)}


def _plate(leg: Segment) -> str:
    """Stored without the signs that are written into it (domain: truck plate)."""
    if leg.get(7, 1) not in _PLATE_LISTS:
        return ""
    return leg.get(7, 0).upper().replace("-", "").replace(".", "").replace(" ", "")


def _chosen(facts: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: facts[name] for name in names if name in facts}
