"""VES messages decoded: the standard's example, the traps, and what carries nothing for us."""

import json
from typing import Any

import msgspec
import pytest

from connectors.network.decoded import Decoded, Undecoded
from connectors.ves.decoder import VesDecoder

HEADER = {
    "domain": "perf3gpp",
    "eventId": "pm-0007",
    "eventName": "perf3gpp_gnb-Tanvu_pmMeasResult",
    "priority": "Normal",
    "reportingEntityName": "ems-01",
    "sequence": 7,
    "sourceName": "gnb-tanvu-01",
    "startEpochMicrosec": 1795485540000000,
    "lastEpochMicrosec": 1795485600000000,
    "version": "4.1",
    "vesEventListenerVersion": "7.2.1",
    "timeZoneOffset": "UTC+07.00",
}
RESULTS: list[dict[str, Any]] = [
    {
        "measObjInstId": "NRCellDU=3",
        "suspectFlag": "false",
        "measResults": [
            {"p": 1, "rValue": 48250.0},
            {"p": 2, "rValue": 74.0},
            {"p": 3, "iValue": 63},
            {"p": 4, "iValue": 180},
        ],
    },
    {
        "measObjInstId": "NRCellDU=4",
        "suspectFlag": "true",
        "measResults": [{"p": 3, "iValue": 9}, {"p": 1, "isNull": "true"}],
    },
]
TYPES = ["DRB.UEThpUl.5QI82", "DRB.AirIfDelayUl.5QI82", "RRU.PrbTotUl", "DRB.PacketLossRateUl"]


def performance(values: Any = RESULTS, types: Any = None, **header: Any) -> dict[str, Any]:
    info = {"jobId": "j1", "measTypes": types or {"sMeasTypesList": TYPES}, "measValuesList": values}
    collection = {"granularityPeriod": 60, "measuredEntityDn": "ManagedElement=gnb-tanvu-01", "measInfoList": [info]}
    fields = {"perf3gppFieldsVersion": "1.0.1", "measDataCollection": collection}
    return {"commonEventHeader": {**HEADER, **header}, "perf3gppFields": fields}


def event(domain: str, fields: dict[str, Any] | None = None, **header: Any) -> dict[str, Any]:
    block = {} if fields is None else {f"{domain}Fields": fields}
    return {"commonEventHeader": {**HEADER, "domain": domain, **header}, **block}


def decode(given: dict[str, Any]) -> tuple[list[Decoded], list[Undecoded], dict[str, int]]:
    decoder = VesDecoder()
    parts = list(decoder.decode(json.dumps({"event": given}).encode()))
    good = [part for part in parts if isinstance(part, Decoded)]
    return good, [part for part in parts if isinstance(part, Undecoded)], dict(decoder.notes)


def one(given: dict[str, Any]) -> Decoded:
    (found,), refused, _ = decode(given)
    assert not refused
    return found


def why(given: dict[str, Any]) -> str:
    good, (refused,), _ = decode(given)
    assert not good
    return refused.why


def test_performance_report_is_joined_by_position() -> None:
    (third, fourth), refused, notes = decode(performance())
    assert not refused
    assert third.time.isoformat() == "2026-11-24T02:00:00+00:00"
    assert (third.element, third.object) == ("gnb-tanvu-01", "NRCellDU=3")
    assert [(m["name"], m["value"]) for m in third.data["measurements"]] == list(
        zip(TYPES, [48250, 74, 63, 180], strict=True)
    )
    assert (third.data["granularity_s"], third.data["suspect"], fourth.data["suspect"]) == (60, False, True)
    assert fourth.data["measurements"] == [{"name": "RRU.PrbTotUl", "value": 9.0}]
    assert notes == {"nulls": 1}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"p": 5, "iValue": 1}, "p 5 is not from 1 to 4"),
        ({"p": 0, "iValue": 1}, "p 0 is not from 1 to 4"),
        ({"p": "2", "iValue": 1}, "p is missing or no whole number"),
        ({"iValue": 1}, "p is missing or no whole number"),
        ({"p": 1, "iValue": 1}, "p 1 comes twice"),
        ({"p": 2}, "not exactly one of"),
        ({"p": 2, "iValue": 1, "rValue": 2.0}, "not exactly one of"),
        ({"p": 2, "isNull": "false"}, "isNull is not true"),
        ({"p": 2, "isNull": "maybe"}, "neither true nor false"),
        ({"p": 2, "sValue": "1,5x"}, "is no number"),
        ({"p": 2, "sValue": "nan"}, "is no number we take"),
        ({"p": 2, "rValue": 1e31}, "is no number we take"),
        ({"p": 2, "iValue": 1.5}, "iValue is no whole number"),
        (7, "p is missing"),
    ],
)
def test_result_that_cannot_be_used_is_refused_and_its_neighbours_are_kept(result: Any, said: str) -> None:
    values = [{"measObjInstId": "NRCellDU=3", "measResults": [{"p": 1, "iValue": 5}, result, {"p": 3, "iValue": 6}]}]
    (kept,), (refused,), _ = decode(performance(values))
    assert [m["value"] for m in kept.data["measurements"]] == [5, 6]
    assert said in refused.why
    assert "measResults[1]" in refused.why
    assert refused.part[0]["part"]["result"] == result


def test_types_may_be_numbers_and_values_texts_lists_and_blanks() -> None:
    given = [
        {"p": 1, "sValue": "813"},
        {"p": 2, "sValue": "86, 87,2"},
        {"p": 3, "sValue": " "},
        {"p": 4, "sValue": "1,,3"},
    ]
    values = [{"measObjInstId": "C=1", "suspectFlag": True, "measResults": given}]
    made = one(performance(values, {"iMeasTypesList": [11, 12, 13, 14]}))
    assert made.data["measurements"] == [
        {"name": "11", "value": 813.0},
        {"name": "12", "bins": [86.0, 87.0, 2.0]},
        {"name": "14", "value": 1.0, "labels": {"bin": "0"}},
        {"name": "14", "value": 3.0, "labels": {"bin": "2"}},
    ]


@pytest.mark.parametrize("values", [None, {}, "x"])
def test_list_of_values_that_is_none_is_one_refused_part(values: Any) -> None:
    assert "measValuesList" in why(performance(values))


@pytest.mark.parametrize(
    ("last", "unit"),
    [
        (1795485600, "s"),
        (1795485600000, "ms"),
        (1795485600000000, None),
        (1795485600000000.0, None),
        (1795485600000000000, "ns"),
    ],
)
def test_unit_of_an_epoch_is_told_by_its_range_and_a_repair_is_marked_and_counted(last: int, unit: str | None) -> None:
    (made, _), _, notes = decode(performance(lastEpochMicrosec=last))
    assert made.time.isoformat() == "2026-11-24T02:00:00+00:00"
    assert made.data.get("epoch_unit") == unit
    assert notes.get(f"epoch_in_{unit}") == (1 if unit else None)


@pytest.mark.parametrize("last", [0, 17954, 179548560000, -5, 1.5e15 + 0.5, "1795485600000000", True, None, 10**30])
def test_epoch_in_no_range_is_refused(last: Any) -> None:
    assert "lastEpochMicrosec" in why(performance(lastEpochMicrosec=last))


FAULT = {
    "alarmCondition": "LinkDown",
    "eventSeverity": "MAJOR",
    "eventSourceType": "port",
    "faultFieldsVersion": "4.0",
    "specificProblem": "no light",
    "alarmInterfaceA": "eth0",
    "vfStatus": "Active",
}


@pytest.mark.parametrize(
    ("given", "severity"),
    [("CRITICAL", "critical"), ("MAJOR", "major"), ("MINOR", "minor"), ("WARNING", "warning"), ("NORMAL", "cleared")],
)
def test_fault_is_an_alarm_and_normal_clears_it(given: str, severity: str) -> None:
    made = one(event("fault", {**FAULT, "eventSeverity": given}))
    alarm = {name: made.data[name] for name in ("condition", "severity", "interface", "specific_problem")}
    assert alarm == {"condition": "LinkDown", "severity": severity, "interface": "eth0", "specific_problem": "no light"}


def test_fault_of_a_severity_nobody_knows_is_refused() -> None:
    assert "eventSeverity BAD" in why(event("fault", {**FAULT, "eventSeverity": "BAD"}))


@pytest.mark.parametrize("version", ["30.0.1", "5.4", "8.0"])
def test_version_nobody_knows_is_refused(version: str) -> None:
    assert f"vesEventListenerVersion {version} is not 7.x" in why(
        event("fault", FAULT, vesEventListenerVersion=version)
    )


def test_heartbeat_says_its_interval_or_the_usual_one_is_assumed_and_counted() -> None:
    assert one(event("heartbeat", {"heartbeatInterval": 20})).data["interval_s"] == 20
    (made,), _, notes = decode(event("heartbeat"))
    assert (made.data["interval_s"], made.data["interval_assumed"]) == (60, True)
    assert notes == {"heartbeat_interval_assumed": 1}


CROSSING = {
    "alertAction": "SET",
    "alertDescription": "too slow",
    "alertType": "INTERFACE-ANOMALY",
    "collectionTimestamp": "Tue, 24 Nov 2026 09:00:00 +0700",
    "eventSeverity": "MAJOR",
    "eventStartTimestamp": "Tue, 24 Nov 2026 01:59:00 GMT",
    "thresholdCrossingFieldsVersion": "4.0",
    "additionalParameters": [{"criticality": "MAJ", "hashMap": {"x": "1"}}],
}


@pytest.mark.parametrize(("action", "severity"), [("SET", "major"), ("CONT", "major"), ("CLEAR", "cleared")])
def test_crossed_threshold_is_an_alarm_with_rfc_2822_times(action: str, severity: str) -> None:
    made = one(event("thresholdCrossingAlert", {**CROSSING, "alertAction": action}))
    assert made.data["severity"] == severity
    assert made.data["collected_at"] == "2026-11-24T02:00:00.000Z"
    assert made.data["started_at"] == "2026-11-24T01:59:00.000Z"


@pytest.mark.parametrize("name", ["collectionTimestamp", "eventStartTimestamp"])
def test_time_that_is_not_rfc_2822_is_refused(name: str) -> None:
    assert name in why(event("thresholdCrossingAlert", {**CROSSING, name: "2026-11-24"}))


def standard(data: dict[str, Any], **header: Any) -> dict[str, Any]:
    return event("stndDefined", {"data": data, "stndDefinedFieldsVersion": "1.0"}, **header)


ALARM = {"alarmId": "7", "alarmType": "EQUIPMENT_ALARM", "probableCause": 3, "eventTime": "2026-11-24T08:59:00+07:00"}


@pytest.mark.parametrize(
    ("kind", "given", "severity"),
    [
        ("notifyNewAlarm", "CRITICAL", "critical"),
        ("notifyNewAlarm", "INDETERMINATE", "warning"),
        ("notifyChangedAlarm", "MINOR", "minor"),
        ("notifyChangedAlarm", "CLEARED", "cleared"),
        ("notifyClearedAlarm", "MINOR", "cleared"),
        ("notifyClearedAlarm", None, "cleared"),
    ],
)
def test_notification_of_an_alarm(kind: str, given: str | None, severity: str) -> None:
    made = one(standard({**ALARM, "notificationType": kind, "perceivedSeverity": given}))
    assert (made.data["severity"], made.data["alarm_id"], made.data["probable_cause"]) == (severity, "7", "3")
    assert made.data.get("original_severity") == ("INDETERMINATE" if given == "INDETERMINATE" else None)
    assert made.time.timestamp() == 1795485540


def test_notifications_of_heartbeat_and_threshold() -> None:
    beat = one(standard({"notificationType": "notifyHeartbeat", "heartbeatNtfPeriod": 30}))
    assert (beat.type, beat.data["interval_s"]) == ("io.quaystream.cell.heartbeat.v1", 30)
    crossing = {
        "notificationType": "notifyThresholdCrossing",
        "observedPerfMetricName": "RRU.PrbTotUl",
        "observedPerfMetricValue": 91,
        "observedPerfMetricDirection": "UP",
        "thresholdValue": 90,
    }
    made = one(standard(crossing))
    assert (made.data["condition"], made.data["severity"], made.data["observed_value"]) == (
        "RRU.PrbTotUl",
        "warning",
        91,
    )


@pytest.mark.parametrize("domain", ["syslog", "stateChange", "pnfRegistration", "other", "notification", "mobileFlow"])
def test_domain_that_carries_nothing_for_us_is_counted(domain: str) -> None:
    assert decode(event(domain, {})) == ([], [], {f"nothing_for_us: {domain}": 1})


def test_notification_that_carries_nothing_for_us_is_counted() -> None:
    found = decode(standard({"notificationType": "notifyFileReady"}))
    assert found == ([], [], {"nothing_for_us: stndDefined notifyFileReady": 1})


def test_domain_nobody_knows_is_a_type_nobody_declares() -> None:
    _, (refused,), _ = decode(event("weather"))
    assert refused.type == "org.onap.ves.weather"


@pytest.mark.parametrize(
    "message", [b"", b"{", b"\xff", b"[" * 5000, b"NaN", b'{"event":{}}', b"[]", b'{"eventList":{}}']
)
def test_what_is_no_message_is_sent_on_byte_for_byte(message: bytes) -> None:
    (part,) = VesDecoder().decode(message)
    assert isinstance(part, Undecoded)
    assert (part.type, part.part) == (None, message)


def test_list_keeps_the_good_events_around_a_bad_one() -> None:
    events = [event("fault", FAULT), 5, event("fault", FAULT, sourceName="b")]
    parts = list(VesDecoder().decode(msgspec.json.encode({"eventList": events})))
    assert [type(part).__name__ for part in parts] == ["Decoded", "Undecoded", "Decoded"]
