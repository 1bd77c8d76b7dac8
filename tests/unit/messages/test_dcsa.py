"""DCSA events of four shapes: the association's own samples, and each rule that keeps one from being an event."""

import json
from typing import Any

import pytest

from connectors.kafka.outgoing import problem_of
from tests.support.messages import MESSAGES, events, refusals, said


def sample(name: str) -> bytes:
    return (MESSAGES / name).read_bytes()


def domain_event(code: str, number: str = "TNVU3507128", **more: Any) -> dict[str, Any]:
    """An equipment event of the event domain 3.2."""
    return {
        "metadata": {"eventID": "e-1", "eventCreatedDateTime": "2026-11-24T03:00:00Z", "publisher": "QSY", "eventType": "EQUIPMENT"},
        "payload": {
            "eventClassifierCode": "ACT",
            "eventDateTime": "2026-11-24T09:00:00+07:00",
            "equipmentEventTypeCode": code,
            "emptyIndicatorCode": "LADEN",
            "equipmentReference": number,
            "eventLocation": {"UNLocationCode": "VNHPH", "facilityCode": "TANVU", "facilityCodeListProvider": "SMDG"},
            **more,
        },
    }  # fmt: skip


def port_call(service: str, what: str, phase: str = "", classifier: str = "ACT", **more: Any) -> dict[str, Any]:
    """A timestamp of JIT 2.0."""
    return {
        "eventID": "t-1",
        "eventUpdatedDateTime": "2026-11-24T01:00:00Z",
        "portCall": {"portCallID": "CALL1", "UNLocationCode": "VNHPH"},
        "portCallService": {
            "portCallServiceTypeCode": service,
            "portCallServiceEventTypeCode": what,
            "portCallPhaseTypeCode": phase,
            "serviceLocation": {"UNLocationCode": "VNHPH", "facility": {"facilityCode": "TANVU", "facilityCodeListProvider": "SMDG"}},
        },
        "vessel": {"vesselIMONumber": "9321483"},
        "timestamp": {"classifierCode": classifier, "serviceDateTime": "2026-11-24T13:00:00+07:00"},
        **more,
    }  # fmt: skip


def test_track_and_trace_2_2_has_two_arrivals_and_what_is_only_expected_is_no_milestone() -> None:
    found, notes = said("dcsa", sample("tnt-220-response.json"))
    told = [part.event for part in found]  # type: ignore[union-attr]
    assert [(event["subject"][:9], event["time"], event["data"]["milestone"]) for event in told] == [
        ("FRPAR-ADT", "2021-01-09T13:12:56.000Z", "berth_arrival")
    ] * 2
    assert {event["data"]["imo"] for event in told} == {"9321483"}
    assert [event["id"] for event in told] == [f"3cecb101-7a1a-43a4-9d62-e88a131651e{n}" for n in (2, 5)]
    assert notes == {"nothing_for_us: shipment event": 3, "nothing_for_us: equipment event LOAD that is EST": 2}


def test_track_and_trace_3_0_has_one_box_loaded() -> None:
    (event,) = events("dcsa", sample("tnt-300-request-equipment.json"))
    assert (event["subject"], event["time"]) == ("NLRTM-PORT-APZU4812090", "2026-01-20T14:15:00.000Z")
    assert event["data"] == {
        "equipment_reference": "APZU4812090",
        "milestone": "loaded",
        "iso_equipment_code": "22GP",
        "empty": False,
    }


def test_berth_that_starts_is_refused_unless_the_partner_says_what_it_means() -> None:
    content = sample("portcall-api-200-post-request.json")
    assert refusals("dcsa", content) == ["BERTH has ARRI and DEPA, not 'STRT'"]
    (event,) = events("dcsa", content, services={"BERTH STRT": "berth_arrival"})
    assert event["subject"] == "NLAMS-ADT-NLAMS1234589"
    assert event["data"]["expected_time"] == "2025-01-23T01:23:45.000Z"
    assert (event["data"]["classifier"], event["data"]["delay_reason"]) == ("EST", "STR")


def test_schedules_need_to_know_when_a_plan_was_said_and_one_call_is_one_event() -> None:
    content = sample("ovs-300-response.json")
    (why,) = refusals("dcsa", content)
    assert why == "PLN without when that was said: give said_at in the partner's file"
    found = events("dcsa", content, said_at="2024-01-01T07:00:00+07:00")
    assert len(found) == 5
    assert len({(event["subject"], event["id"]) for event in found}) == 4
    assert (found[0]["time"], found[0]["data"]["expected_time"]) == (
        "2024-01-01T00:00:00.000Z",
        "2024-01-14T08:21:00.000Z",
    )
    problems = [problem_of({"specversion": "1.0", **event}) for event in found]
    # The check digit of 9456789 is 3: 9*7 + 4*6 + 5*5 + 6*4 + 7*3 + 8*2 = 173.
    assert problems == [None, "data: imo: bad_check_digit, expected 3", None, None, None]


@pytest.mark.parametrize(
    ("code", "milestone", "status"),
    [
        ("LOAD", "loaded", None),
        ("DISC", "discharged", None),
        ("GTIN", "gated_in", None),
        ("GTOT", "gated_out", None),
        ("CUSS", "clearance", "selected_scan"),
        ("CUSI", "clearance", "selected_inspection"),
        ("CUSR", "released", None),
    ],
)
def test_equipment_codes_mean_what_the_table_says(code: str, milestone: str, status: str | None) -> None:
    (event,) = events("dcsa", json.dumps(domain_event(code)))
    assert (event["data"]["milestone"], event["data"].get("status")) == (milestone, status)
    assert (event["subject"], event["source"]) == ("VNHPH-TANVU-TNVU3507128", "/dcsa/qsy")


@pytest.mark.parametrize(
    ("service", "what", "phase", "milestone"),
    [
        ("PILOT_BOARDING_PLACE", "ARRI", "INBD", "pilot_station_arrival"),
        ("ANCHORAGE", "STRT", "", "anchored"),
        ("ANCHORAGE", "CMPL", "", "anchor_aweigh"),
        ("MOORING", "STRT", "INBD", "first_line"),
        ("BERTH", "ARRI", "INBD", "berth_arrival"),
        ("ALL_FAST", "ARRI", "ALGS", "all_fast"),
        ("GANGWAY_DOWN_AND_SECURE", "ARRI", "ALGS", "gangway_secured"),
        ("VESSEL_READY_FOR_CARGO_OPERATIONS", "ARRI", "ALGS", "ready_for_cargo"),
        ("CARGO_OPERATIONS", "STRT", "ALGS", "cargo_started"),
        ("CARGO_OPERATIONS", "CMPL", "ALGS", "cargo_completed"),
        ("VESSEL_READY_TO_SAIL", "ARRI", "ALGS", "ready_to_sail"),
        ("MOORING", "CMPL", "OUTB", "last_line"),
        ("BERTH", "DEPA", "OUTB", "berth_departure"),
        ("SEA_PASSAGE", "STRT", "OUTB", "sailed"),
    ],
)
def test_services_of_a_port_call_mean_what_the_table_says(service: str, what: str, phase: str, milestone: str) -> None:
    (event,) = events("dcsa", json.dumps(port_call(service, what, phase)))
    assert event["data"]["milestone"] == milestone
    assert (event["subject"], event["time"]) == ("VNHPH-TANVU-CALL1", "2026-11-24T06:00:00.000Z")


def test_mooring_that_ends_inbound_is_no_last_line() -> None:
    found, notes = said("dcsa", json.dumps(port_call("MOORING", "CMPL", "INBD")))
    assert (found, notes) == ([], {"nothing_for_us: port call service MOORING CMPL": 1})


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"metadata": {"eventID": "x", "retractedEventID": "y", "eventType": "EQUIPMENT"}}, "it retracts event y"),
        (domain_event("LOAD", eventClassifierCode="REQ"), "equipment events are ACT, PLN or EST"),
        (domain_event("EATN"), "is not of DCSA's list"),
        (domain_event("LOAD", eventDateTime="2026-11-24T09:00:00"), "is not RFC 3339 with offset"),
        (domain_event("LOAD", emptyIndicatorCode="HALF"), "neither EMPTY nor LADEN"),
        (domain_event("LOAD", eventLocation={"UNLocationCode": "VN000"}), "is no UN/LOCODE"),
        (port_call("BERTH", "ARRI", classifier="MAYBE"), "is none of ACT, EST, PLN, REQ"),
        (port_call("SWIMMING", "STRT"), "is not of JIT 2.0"),
        (port_call("BERTH", "ARRI", vessel={}), "vesselIMONumber is missing"),
        ({"eventType": "WEDDING"}, "eventType 'WEDDING' is none of"),
    ],
)
def test_what_breaks_the_standard_is_refused_and_says_why(event: dict[str, Any], why: str) -> None:
    good = port_call("BERTH", "ARRI", "INBD")
    found, _ = said("dcsa", json.dumps({"events": [event, good]}))
    assert [hasattr(part, "event") for part in found] == [False, True]
    assert why in found[0].why  # type: ignore[union-attr]


def test_event_updated_anew_is_another_event() -> None:
    first = port_call("BERTH", "ARRI", "INBD", "EST")
    later = {**first, "eventUpdatedDateTime": "2026-11-24T02:00:00Z"}
    one, two = events("dcsa", json.dumps([first, later]))
    assert one["id"] != two["id"]
    assert (one["time"], two["time"]) == ("2026-11-24T01:00:00.000Z", "2026-11-24T02:00:00.000Z")
