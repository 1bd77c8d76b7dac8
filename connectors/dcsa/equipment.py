"""Equipment events to cargo milestones. Only what has happened (ACT) is one: a milestone has no classifier."""

from typing import Any

from connectors.dcsa.codes import EMPTY, EQUIPMENT, OTHER_EQUIPMENT
from connectors.dcsa.reading import filled, needed, part, terminal, text, time
from connectors.messages.places import asset_name, site_of_terminal
from connectors.messages.said import CARGO, RefusedPartError


def cargo_event(said: dict[str, Any], site: str) -> dict[str, Any] | str:
    """The event without identity, or what kind of thing it is that carries nothing for us. Raises RefusedPartError.

    `said` is flat as in track and trace 2.2: the other shapes are brought into it.
    """
    code = needed(said, "equipmentEventTypeCode")
    if code in OTHER_EQUIPMENT:
        return f"equipment event {code}"
    if code not in EQUIPMENT:
        raise RefusedPartError(f"equipmentEventTypeCode {code!r} is not of DCSA's list")
    classifier = needed(said, "eventClassifierCode")
    if classifier in ("EST", "PLN"):
        return f"equipment event {code} that is {classifier}"
    if classifier != "ACT":
        raise RefusedPartError(f"eventClassifierCode {classifier!r}: equipment events are ACT, PLN or EST")
    number = needed(said, "equipmentReference")
    call = part(said, "transportCall")
    locode, facility = terminal(part(said, "eventLocation"), call, part(call, "location"))
    data = {
        "equipment_reference": number,
        **EQUIPMENT[code],
        "call_id": text(call, "portVisitReference", "transportCallID", "transportCallReference"),
        "iso_equipment_code": text(said, "ISOEquipmentCode"),
        "empty": _empty(said),
        "seals": [filled({"number": text(s, "sealNumber"), "issuer": text(s, "sealSource")}) for s in _seals(said)],
        **vessel_facts(call),
    }
    return {
        "type": CARGO,
        "subject": f"{site_of_terminal(locode, facility, site)}-{asset_name(number)}",
        "time": time(said, "eventDateTime"),
        "data": filled(data),
    }


def vessel_facts(call: dict[str, Any]) -> dict[str, str]:
    """What a transport call says of its ship."""
    vessel = part(call, "vessel")
    return {
        "vessel_imo": text(vessel, "vesselIMONumber"),
        "vessel_name": text(vessel, "vesselName"),
        "vessel_call_sign": text(vessel, "vesselCallSignNumber", "vesselCallSign"),
        "voyage": text(call, "exportVoyageNumber", "carrierExportVoyageNumber"),
    }


def _empty(said: dict[str, Any]) -> bool | None:
    code = text(said, "emptyIndicatorCode")
    if code and code not in EMPTY:
        raise RefusedPartError(f"emptyIndicatorCode {code!r} is neither EMPTY nor LADEN")
    return EMPTY.get(code)


def _seals(said: dict[str, Any]) -> list[dict[str, Any]]:
    found = said.get("seals")
    return [seal for seal in found if isinstance(seal, dict)] if isinstance(found, list) else []
