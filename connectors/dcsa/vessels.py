"""Transport events, port call timestamps and schedules to vessel milestones.

Of EST, PLN and REQ the event's time is when that was said, and `expected_time` when it is to happen.
"""

from collections.abc import Iterator
from typing import Any

from connectors.dcsa.codes import CLASSIFIERS, TRANSPORT, VESSEL_MODES, milestone_of, service_fault
from connectors.dcsa.partner import DcsaPartner
from connectors.dcsa.reading import filled, needed, part, terminal, text, time
from connectors.messages.places import asset_name, site_of_terminal
from connectors.messages.said import VESSEL, RefusedPartError


def transport_event(said: dict[str, Any], partner: DcsaPartner) -> dict[str, Any] | str:
    """Arrival or departure at a terminal, by ship; as `cargo_event`."""
    call = part(said, "transportCall")
    mode = text(call, "modeOfTransport")
    if mode not in VESSEL_MODES:
        return f"transport event by {mode}"
    code = needed(said, "transportEventTypeCode")
    if code not in TRANSPORT:
        raise RefusedPartError(f"transportEventTypeCode {code!r} is neither ARRI nor DEPA")
    place = terminal(part(said, "eventLocation"), call, part(call, "location"))
    data = {
        "imo": needed(part(call, "vessel"), "vesselIMONumber"),
        "call_id": needed(call, "portVisitReference", "transportCallID", "transportCallReference"),
        "milestone": TRANSPORT[code],
        "transport_event": code,
        "delay_reason": text(said, "delayReasonCode"),
        "remark": text(said, "changeRemark"),
        **_voyages(call),
    }
    when = _when(said, ("eventDateTime",), text(said, "eventClassifierCode"))
    return _event(data, place, when, partner)


def port_call_event(said: dict[str, Any], partner: DcsaPartner) -> dict[str, Any] | str:
    """A timestamp of a port call service (JIT 2.0); as `cargo_event`."""
    call, service, stamp = part(said, "portCall"), part(said, "portCallService"), part(said, "timestamp")
    name, what = needed(service, "portCallServiceTypeCode"), text(service, "portCallServiceEventTypeCode")
    phase = text(service, "portCallPhaseTypeCode")
    own = partner.services.get(f"{name} {what}")
    fault = None if own else service_fault(name, what)
    if fault:
        raise RefusedPartError(fault)
    if any(service.get(flag) or call.get("isOmitted") for flag in ("isCanceled", "isDeclined")):
        return "port call service that is cancelled, declined or omitted"
    milestone = own or milestone_of(name, what, phase)
    if milestone is None:
        return f"port call service {name} {what}"
    place = terminal(part(service, "serviceLocation", "portCallServiceLocation"), call)
    data = {
        "imo": needed(part(said, "vessel"), "vesselIMONumber"),
        "call_id": needed(call, "portVisitReference", "portCallID"),
        "milestone": milestone,
        "berth": text(part(service, "serviceLocation", "portCallServiceLocation"), "facilitySMDGCode"),
        "vessel_name": text(part(said, "vessel"), "vesselName"),
        "remark": text(stamp, "remark"),
        "delay_reason": _first_text(stamp.get("delayReasonCodes")),
    }
    when = _when({**said, **stamp}, ("serviceDateTime", "dateTime"), text(stamp, "classifierCode"))
    return _event(data, place, when, partner)


def schedule_events(service: dict[str, Any], partner: DcsaPartner) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each timestamp of a service's schedules as (its name, a transport event in the shape of track and trace)."""
    for vessel in _objects(service, "vesselSchedules"):
        ship = {"vesselIMONumber": vessel.get("vesselIMONumber"), "vesselName": vessel.get("vesselName")}
        for call in _objects(vessel, "transportCalls"):
            for stamp in _objects(call, "timestamps"):
                name = f"{call.get('transportCallReference')} {stamp.get('eventTypeCode')}"
                about = {
                    "transportCall": {**call, "vessel": ship},
                    "transportEventTypeCode": stamp.get("eventTypeCode"),
                }
                yield name, {**stamp, **about, "eventCreatedDateTime": partner.said_at}


def _objects(value: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    found = value.get(name)
    yield from (inner for inner in found if isinstance(inner, dict)) if isinstance(found, list) else ()


def _first_text(found: Any) -> str:
    return next((one for one in found if isinstance(one, str)), "") if isinstance(found, list) else ""


def _voyages(call: dict[str, Any]) -> dict[str, str]:
    return {
        "vessel_name": text(part(call, "vessel"), "vesselName"),
        "import_voyage": text(call, "importVoyageNumber", "carrierImportVoyageNumber"),
        "export_voyage": text(call, "exportVoyageNumber", "carrierExportVoyageNumber"),
    }


def _when(said: dict[str, Any], names: tuple[str, ...], classifier: str) -> dict[str, str]:
    """`time`, `classifier`, and `expected_time` where it is not what happened."""
    if classifier not in CLASSIFIERS:
        raise RefusedPartError(f"classifier {classifier!r} is none of ACT, EST, PLN, REQ")
    at = time(said, *names)
    if classifier == "ACT":
        return {"time": at, "classifier": classifier}
    if not text(said, "eventUpdatedDateTime", "eventCreatedDateTime"):
        raise RefusedPartError(f"{classifier} without when that was said: give said_at in the partner's file")
    said_at = time(said, "eventUpdatedDateTime", "eventCreatedDateTime")
    return {"time": said_at, "classifier": classifier, "expected_time": at}


def _event(data: dict[str, Any], place: tuple[str, str], when: dict[str, str], partner: DcsaPartner) -> dict[str, Any]:
    site = site_of_terminal(*place, partner.site)
    own = {name: text for name, text in when.items() if name != "time"}
    return {
        "type": VESSEL,
        "subject": f"{site}-{asset_name(data['call_id'])}",
        "time": when["time"],
        "data": filled({**data, **own}),
    }
