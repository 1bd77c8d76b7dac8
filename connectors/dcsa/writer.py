"""Events to DCSA JSON: cargo milestones as equipment events (track and trace 3.0), vessel milestones as timestamps (JIT 2.0)."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from connectors.dcsa.codes import EMPTY, SERVICES, equipment_code
from connectors.dcsa.reading import filled
from connectors.messages.places import PORT
from connectors.messages.said import CARGO, VESSEL, RefusedPartError
from connectors.messages.written import Written, named

_INDICATORS: Final = {empty: code for code, empty in EMPTY.items()}


def write(events: Iterable[dict[str, Any]], party: str) -> Written:
    """One document of events; `party` is the SMDG code of who speaks. What DCSA has no code for is refused."""
    written, refused = [], []
    for event in events:
        try:
            written.append(_written(event, party))
        except RefusedPartError as error:
            refused.append(named(event, error))
    content = msgspec.json.format(msgspec.json.encode({"events": written}), indent=2)
    return Written(content + b"\n", len(written), refused)


def _written(event: dict[str, Any], party: str) -> dict[str, Any]:
    if event["type"] == CARGO:
        return _equipment_event(event, party)
    if event["type"] == VESSEL:
        return _port_call_event(event)
    raise RefusedPartError(f"DCSA has nothing for {event['type']}")


def _equipment_event(event: dict[str, Any], party: str) -> dict[str, Any]:
    data = event["data"]
    code = equipment_code(data)
    if code is None:
        raise RefusedPartError(f"DCSA has no code for {data['milestone']} {data.get('status', '')}".rstrip())
    if data.get("empty") is None:
        raise RefusedPartError("DCSA wants to know whether it is empty, and that is not known")
    details = {
        "equipmentReference": data["equipment_reference"],
        "ISOEquipmentCode": data.get("iso_equipment_code"),
        "emptyIndicatorCode": _INDICATORS[data["empty"]],
    }
    call = {
        "portVisitReference": data.get("call_id"),
        "exportVoyageNumber": data.get("voyage"),
        "vessel": filled(
            {
                "vesselIMONumber": data.get("vessel_imo"),
                "vesselName": data.get("vessel_name"),
                "vesselCallSign": data.get("vessel_call_sign"),
            }
        ),
    }
    seals = [filled({"sealNumber": s.get("number"), "sealSource": s.get("issuer")}) for s in data.get("seals", ())]
    classification = {"eventTypeCode": "EQUIPMENT", "eventClassifierCode": "ACT", "equipmentEventTypeCode": code}
    return {
        "eventRouting": {
            "originatingParty": {"partyCode": party, "codeListProvider": "SMDG", "codeListName": "LCL"},
        },
        "eventID": _number(event),
        "eventDateTime": event["time"],
        "eventLocation": _place(event["subject"]),
        "eventClassification": classification,
        "equipmentDetails": filled(details),
        **filled({"transportCall": filled(call), "seals": seals}),
    }


def _port_call_event(event: dict[str, Any]) -> dict[str, Any]:
    data = event["data"]
    service = SERVICES[data["milestone"]]
    place = _place(event["subject"])
    expected = data.get("expected_time")
    if data["classifier"] != "ACT" and not expected:
        raise RefusedPartError(f"{data['classifier']} without an expected time")
    stamp = {
        "classifierCode": data["classifier"],
        "serviceDateTime": event["time"] if data["classifier"] == "ACT" else expected,
        "delayReasonCodes": [data["delay_reason"]] if data.get("delay_reason") else [],
        "remark": data.get("remark"),
    }
    about = {
        "portCallServiceID": _number(event),
        "portCallServiceTypeCode": service.service,
        "portCallServiceEventTypeCode": service.event,
        "portCallPhaseTypeCode": service.phase,
        "facilityTypeCode": service.facility,
        "serviceLocation": filled({**place, "facilitySMDGCode": data.get("berth")}),
    }
    return {
        "eventID": _number(event),
        "eventUpdatedDateTime": event["time"],
        "portCall": {
            "portCallID": data["call_id"],
            "portVisitReference": data["call_id"],
            "UNLocationCode": place["UNLocationCode"],
        },
        "portCallService": filled(about),
        "vessel": filled({"vesselIMONumber": data["imo"], "vesselName": data.get("vessel_name")}),
        "timestamp": filled(stamp),
    }


def _place(subject: str) -> dict[str, Any]:
    locode, terminal, _ = subject.split("-", 2)
    if terminal == PORT:
        return {"UNLocationCode": locode}
    return {
        "UNLocationCode": locode,
        "facility": {"facilityCode": terminal, "facilityCodeListProvider": "SMDG"},
    }


def _number(event: dict[str, Any]) -> str:
    """The same event, the same number."""
    return str(uuid5(NAMESPACE_URL, f"{event.get('source')} {event.get('id')}"))
