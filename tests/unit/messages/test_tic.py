"""TIC4.0: one negative test for each rule of the grammar, the flat form both ways, and what becomes a field."""

import json
from typing import Any

import pytest

from connectors.tic.flat import from_json, to_json
from connectors.tic.grammar import RuleBrokenError, read
from connectors.tic.writer import write
from tests.support.messages import GOLDEN, events, refusals, said, without_identity

AT = "2026-11-24T02:00:05Z"
NAME = "VNHPH_TANVU_STS_003"


def item(value: Any, **more: Any) -> dict[str, Any]:
    return {"timestamp": AT, "pom": "output", "pomt": "actual", "value": value, **more}


def crane(**members: Any) -> dict[str, Any]:
    return {"msg": {"id": "m-1", "sender": "edge"}, "che": [{"name": NAME, **members}]}


def hoisting(*items: dict[str, Any]) -> dict[str, Any]:
    return crane(hoist=[{"hoisting": {"speed": list(items)}}])


FAST = item(1.5, unit="m/s")
BROKEN = {
    "T1": {"che": {"name": NAME}},
    "T2": crane(hoist=[{"hoisting": [{"speed": [FAST]}]}]),
    "T3": crane(spreader=[{"locked": {"status": [{"value": True}]}}]),
    "T4": {"che": [{"name": NAME, "timestamp": AT}]},
    "T5": crane(spreader=[{"locked": {"status": [item(True)]}}, {"locked": {"status": [item(False)]}}]),
    "T6": hoisting(FAST, {**FAST, "value": 1.6}),
    "T7": hoisting({**FAST, "pom": "out"}),
    "T8": hoisting({**FAST, "pomt": "real"}),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_document_that_breaks_a_rule_is_refused_by_that_rule(rule: str) -> None:
    with pytest.raises(RuleBrokenError) as broken:
        list(read(BROKEN[rule]))
    assert broken.value.rule == rule
    (why,) = refusals("tic", json.dumps(BROKEN[rule]))
    assert why.startswith(f"{rule} che")


@pytest.mark.parametrize(
    ("rule", "document"),
    [
        ("T1", crane(spreader={"locked": {}})),
        ("T2", crane(vendorthing=[{"speed": [FAST]}])),
        ("T3", crane(hoist=[{"hoisting": {"speed": FAST}}])),
        ("T3", hoisting({**FAST, "timestamp": "yesterday"})),
        ("T3", hoisting({**FAST, "timestamp": "2026-11-24T02:00:05"})),
        ("T4", crane(hoist=[{"timestamp": AT}])),
        ("T5", crane(spreader=[{"arrayid": "a"}, {"arrayid": "a"}])),
        ("T6", hoisting(FAST, {**FAST, "timestamp": "2026-11-24T09:00:05+07:00"})),
    ],
)
def test_rules_hold_in_their_less_obvious_forms(rule: str, document: dict[str, Any]) -> None:
    with pytest.raises(RuleBrokenError) as broken:
        list(read(document))
    assert broken.value.rule == rule


def test_proprietary_content_is_let_pass_and_counted() -> None:
    document = crane(hoist=[{"hoisting": {"speed": [FAST], "vendor": {"x": 1}}}], vendorlist=[{"a": 1}, {"b": 2}])
    found, notes = said("tic", json.dumps({**document, "acme": {"y": [1]}}))
    assert [part.event["data"] for part in found] == [{"hoist_speed_mps": 1.5}]  # type: ignore[union-attr]
    assert notes == {"proprietary": 3}


@pytest.mark.parametrize("more", [{"name": "b"}, {"pom": "input"}, {"pomt": "planned"}, {"reference": "r"}, {"unit": "km/h"}, {"timestamp": "2026-11-24T02:00:06Z"}])  # fmt: skip
def test_items_that_differ_in_one_part_of_the_key_are_two(more: dict[str, Any]) -> None:
    assert len(list(read(hoisting(FAST, {**FAST, **more})))) == 3


def test_one_message_with_a_fault_is_one_refusal_among_lines() -> None:
    lines = "\n".join(
        json.dumps(document) for document in (hoisting(FAST), BROKEN["T7"], crane(on={"status": [item(True)]}))
    )
    found, _ = said("tic", lines)
    assert [part.event["type"] if hasattr(part, "event") else part.place for part in found] == [
        "io.quaystream.crane.sample.v1",
        "line 2",
        "io.quaystream.crane.status.v1",
    ]


def test_json_and_flat_are_the_same_message() -> None:
    document, flat = (json.loads((GOLDEN / name).read_bytes()) for name in ("tic.json", "tic.flat.json"))
    assert list(from_json(document)) == [flat]
    assert to_json(flat) == document


@pytest.mark.parametrize(
    "key",
    [
        "che.@.hoist.@.hoisting.speed.output.actual.#unit#m/s.value",
        "che.@.hoist.@.hoisting.speed.#unit#m/s.output.actual.value",
        "che|@|hoist|@|hoisting|speed|#unit#m/s|output|actual|value",
        "che.@.hoist.@.hoisting.speed.output.actual.m/s",
    ],
)
def test_flat_keys_are_read_in_every_order_that_pages_show(key: str) -> None:
    (event,) = events("tic", json.dumps({"msg.timestamp": AT, "che.@.name": NAME, key: 2.5}))
    assert event["data"] == {"hoist_speed_mps": 2.5}


@pytest.mark.parametrize(
    ("flat", "why"),
    [
        ({"che.@.hoist.@.hoisting.speed.output.actual.value": 1}, "exactly one timestamp, and this has none"),
        ({"msg.timestamp": AT, "che.@.a.b.c.d.value": 1}, "is no flat key"),
        ({"msg.timestamp": AT, "che": [None], "che.@.id": "x"}, "another key says that che is a value"),
        (
            {
                "msg.timestamp": AT,
                "che.@.hoist.@.hoisting.speed.output.actual.#unit#m/s.value": 1,
                "che.@.hoist.@.hoisting.speed.#unit#m/s.output.actual.value": 2,
            },
            "T6",
        ),
        (
            {
                "msg.timestamp": AT,
                "che.@.spreader.@.locked.status.output.actual.value": True,
                "che.@.spreader.@sea.locked.status.output.actual.value": True,
            },
            "T5",
        ),
        ({"msg.timestamp": AT, "che.@.hoist.@.hoisting.speed.#pom#out.actual.value": 1}, "T7"),
    ],
)  # fmt: skip
def test_flat_message_that_breaks_a_rule_is_refused(flat: dict[str, Any], why: str) -> None:
    (said_why,) = refusals("tic", json.dumps(flat))
    assert why in said_why


def test_name_that_stands_twice_in_one_object_is_refused() -> None:
    text = f'{{"msg.timestamp":"{AT}","che.@.id":"a","che.@.id":"b"}}'
    assert refusals("tic", text) == ["T6 che.@.id: the name stands twice in one object"]


def test_units_become_those_of_the_fields_and_an_unknown_one_is_kept_as_it_came() -> None:
    document = crane(
        hoist=[{"hoisting": {"speed": [item(90, unit="m/min")]}, "weight": {"weight": [item(20_500, unit="kg")]}}],
        ambient=[{"wind": {"speed": [item(36, unit="km/h")]}}],
        trolley=[{"trolleying": {"speed": [item(3)]}}],
    )
    found, notes = said("tic", json.dumps(document))
    (event,) = [part.event for part in found]  # type: ignore[union-attr]
    key = "che.@.trolley.@.trolleying.speed.output.actual.value"
    assert event["data"] == {"hoist_speed_mps": 1.5, "load_t": 20.5, "wind_mps": 10.0, "readings": {key: 3}}
    assert notes == {"not_typed: trolley_speed_mps in unit None": 1}


def test_set_points_and_plans_are_no_measurement() -> None:
    found = events(
        "tic", json.dumps(hoisting(FAST, {**FAST, "pom": "input", "value": 9.0}, {**FAST, "pomt": "planned"}))
    )
    assert found[0]["data"]["hoist_speed_mps"] == 1.5
    assert len(found[0]["data"]["readings"]) == 2


def test_crane_is_locked_when_one_of_its_spreaders_is_and_lengths_that_differ_are_none() -> None:
    spreaders = [
        {"arrayid": "sea", "locked": {"status": [item(True)]}, "size": {"length": [item(20, unit="foot")]}},
        {"arrayid": "land", "locked": {"status": [item(False)]}, "size": {"length": [item(40, unit="foot")]}},
    ]
    (event,) = events("tic", json.dumps(crane(spreader=spreaders)))
    assert event["data"]["spreader_locked"] is True
    assert "spreader_length_ft" not in event["data"]
    assert len(event["data"]["readings"]) == 4


def test_one_message_parts_by_timestamp_and_crane() -> None:
    later = {**FAST, "timestamp": "2026-11-24T02:00:06Z"}
    document = {
        "che": [
            {"arrayid": "1", "name": NAME, "hoist": [{"hoisting": {"speed": [FAST, later]}}]},
            {"arrayid": "2", "name": "VNHPH_TANVU_RTG_012", "hoist": [{"hoisting": {"speed": [FAST]}}]},
        ]
    }
    found = events("tic", json.dumps(document))
    assert [(event["subject"], event["time"][17:19]) for event in found] == [
        ("VNHPH-TANVU-STS03", "05"),
        ("VNHPH-TANVU-STS03", "06"),
        ("VNHPH-TANVU-RTG12", "05"),
    ]
    assert len({event["id"] for event in found}) == 3


def test_working_says_more_than_on_and_off_contradicts() -> None:
    (event,) = events("tic", json.dumps(crane(on={"status": [item(True)]}, working={"status": [item(True)]})))
    assert event["data"]["status"] == "working"
    found, notes = said("tic", json.dumps(crane(off={"status": [item(True)]}, working={"status": [item(True)]})))
    assert (found, notes) == ([], {"nothing_for_us: readings of no field of ours": 2})


def test_error_message_is_a_fault() -> None:
    error = {
        "timestamp": AT,
        "value": True,
        "tic40codeid": "1.4.1.1.1",
        "severity": "critical",
        "description": "too fast",
    }
    (event,) = events("tic", json.dumps(crane(health=[{"fault": {"errormessage": [error]}}])))
    assert event["data"] == {"code": "1.4.1.1.1", "active": True, "severity": "critical", "description": "too fast"}


def test_crane_with_a_name_of_its_own_needs_the_partners_word() -> None:
    document = {"che": [{"name": "Old Bertha", "hoist": [{"hoisting": {"speed": [FAST]}}]}]}
    assert refusals("tic", json.dumps(document)) == ["Old Bertha: say in the partner's file, under cranes"]
    (event,) = events("tic", json.dumps(document), cranes={"Old Bertha": "VNHPH-TANVU-STS09"})
    assert event["subject"] == "VNHPH-TANVU-STS09"


@pytest.mark.parametrize(
    "document",
    [
        hoisting(FAST, {**FAST, "pom": "input", "value": 9.0}),
        hoisting(FAST, {key: value for key, value in FAST.items() if key != "unit"}),
        crane(ambient=[{"wind": {"value": [item(36, unit="km/h", name="windsensor")]}}]),
        crane(
            spreader=[
                {"arrayid": "sea", "landed": {"status": [item(True)]}, "size": {"length": [item(20, unit="foot")]}},
                {"arrayid": "land", "landed": {"status": [item(False)]}, "size": {"length": [item(40, unit="foot")]}},
            ]
        ),
    ],
    ids=["set-point", "no-unit", "named-sensor", "two-spreaders"],
)
@pytest.mark.parametrize("is_flat", [False, True])
def test_what_no_field_takes_comes_back_too(document: dict[str, Any], is_flat: bool) -> None:
    told = events("tic", json.dumps(document))
    written = write(told, "gw", flat=is_flat)
    assert without_identity(events("tic", written.content)) == without_identity(told)


def test_wind_of_a_named_sensor_is_the_cranes_wind() -> None:
    document = crane(ambient=[{"wind": {"value": [item(36, unit="km/h", name="windsensor")]}}])
    (event,) = events("tic", json.dumps(document))
    assert event["data"]["wind_mps"] == 10.0
    assert event["data"]["readings"] == {
        "che.@.ambient.@.wind.output.actual.#name#windsensor.#unit#km/h.value": 36,
    }


def test_step_of_a_named_job_instruction_is_a_step_of_the_job() -> None:
    job = {"id": "JOB-7", "readytocollect": {"status": [item(True)]}, "movingtocollect": {"status": [item(False)]}}
    (event,) = events("tic", json.dumps(crane(jobinstruction=[job])))
    assert event["type"] == "io.quaystream.crane.job.v1"
    assert event["data"]["job_id"] == "JOB-7"
    assert event["data"]["step"] == "readytocollect"
    unnamed = crane(jobinstruction=[{"readytocollect": {"status": [item(True)]}}])
    assert said("tic", json.dumps(unnamed))[1] == {"nothing_for_us: readings of no field of ours": 1}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("status", {"status": "idle"}),
        ("fault", {"code": "1.4.1", "severity": "warning", "active": False, "description": "slow"}),
        ("job", {"job_id": "J1", "step": "delivered"}),
    ],
)
def test_other_events_of_cranes_survive_both_forms(kind: str, data: dict[str, Any]) -> None:
    told = {"type": f"io.quaystream.crane.{kind}.v1", "subject": "VNHPH-TANVU-RTG12", "time": "2026-11-24T02:00:05.250Z", "data": data}  # fmt: skip
    for flat in (False, True):
        written = write([{"id": "1", "source": "/t", **told}], "gw", flat=flat)
        assert without_identity(events("tic", written.content)) == [told]
