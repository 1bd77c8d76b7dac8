"""What a group of equipment says beside its milestone: weights, seals, places, goods. What is absent is left out."""

import re
from typing import Any, Final

from connectors.edifact.report import Part, Report
from connectors.edifact.syntax import Segment
from connectors.messages.said import RefusedPartError

# EQD 8169.
_EMPTY: Final = {"4": True, "5": False}
# MEA 6313, the weight of box and cargo, best first: verified, gross, estimated gross.
_WEIGHTS: Final = ("VGM", "G", "EGW")
_KG_PER: Final = {"KGM": 1, "TNE": 1000}
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}([.,][0-9]{1,18})?")
_CALL_SIGN: Final = "103"
_VESSEL_NUMBER: Final = frozenset({"146", "11", "54"})


def equipment_facts(group: Part) -> dict[str, Any]:
    """Of one piece of equipment. Raises RefusedPartError for a weight or temperature that is none."""
    head = group.segments[0]
    facts: dict[str, Any] = {
        "iso_equipment_code": head.get(2),
        "empty": _EMPTY.get(head.get(5)),
        "equipment_status": head.get(4),
        "booking": group.get("RFF", "BN"),
        "bill_of_lading": group.get("RFF", "BM"),
        "port_of_loading": _port(group, "9"),
        "port_of_discharge": _port(group, "11"),
        "stowage_cell": _port(group, "147"),
        "tare_kg": _weight(group, "T"),
        "seals": [_without_gaps({"number": s.get(0), "issuer": s.get(1)}) for s in group.all("SEL")],
        "dangerous_goods": [_without_gaps({"class": s.get(1), "un_number": s.get(2)}) for s in group.all("DGS")],
        "damages": [_without_gaps({"type": _named(s, 1), "area": _named(s, 2)}) for s in group.all("DAM")],
        "temperature_c": _temperature(group),
    }
    for kind in _WEIGHTS:
        if (weight := _weight(group, kind)) is not None:
            facts |= {"weight_kg": weight, "weight_kind": kind}
            break
    return _without_gaps(facts)


def vessel_facts(report: Report) -> dict[str, Any]:
    """Of the ship: voyage, call sign or IMO number, name, carrier."""
    leg = report.vessel
    if leg is None:
        return {}
    number, listed = leg.get(7, 0), leg.get(7, 1)
    return _without_gaps(
        {
            "voyage": leg.get(1),
            "vessel_call_sign": number if listed == _CALL_SIGN else "",
            "vessel_imo": number if listed in _VESSEL_NUMBER else "",
            "vessel_name": leg.get(7, 3),
            "carrier": leg.get(4),
        }
    )


def _without_gaps(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in (None, "", [])}


def _port(group: Part, qualifier: str) -> str:
    found = group.first("LOC", qualifier)
    return found.get(1) if found else ""


def _named(segment: Segment, element: int) -> str:
    """A coded value, or its text where no code is given."""
    return segment.get(element) or segment.get(element, 3)


def _weight(group: Part, kind: str) -> float | None:
    found = next((s for s in group.all("MEA") if s.get(1) == kind and s.get(0) in ("AAE", "WT")), None)
    if found is None or not found.get(2, 1):
        return None
    unit = found.get(2, 0)
    if unit not in _KG_PER:
        raise RefusedPartError(f"MEA {kind} in unit {unit or 'nothing'}: read are {', '.join(_KG_PER)}")
    return _number(found.get(2, 1), f"MEA {kind}") * _KG_PER[unit]


def _temperature(group: Part) -> float | None:
    found = group.first("TMP")
    if found is None or not found.get(1, 0):
        return None
    if found.get(1, 1) != "CEL":
        raise RefusedPartError(f"TMP in unit {found.get(1, 1) or 'nothing'}: read is CEL")
    return _number(found.get(1, 0), "TMP")


def _number(text: str, name: str) -> float:
    """Both decimal signs count, whatever UNA says (ISO 9735-1)."""
    if not _NUMBER.fullmatch(text):
        raise RefusedPartError(f"{name} {text[:20]!r} is no number")
    return float(text.replace(",", "."))
