"""Trucks, boxes and ships: things happen in an order that a port would accept."""

from collections import defaultdict
from random import Random
from typing import Any

import pytest

from connectors.simulator import ocr

STEPS = ["lane_entered", "ocr_read", "appointment_checked", "document_checked", "customs_checked", "weighed",
         "seal_checked", "barrier_opened", "gate_left"]  # fmt: skip
IMPORT = ["discharged", "stacked", "clearance", "released", "gated_out"]
EXPORT = ["gated_in", "stacked", "clearance", "released", "loaded"]


@pytest.fixture(scope="module")
def passages(events: tuple[Any, ...]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event.is_("gate.step"):
            found[event.data["visit_id"], event.data["direction"]].append(event.data)
    return found


@pytest.fixture(scope="module")
def milestones(events: tuple[Any, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.is_("cargo.milestone"):
            found[event.data["equipment_reference"]].append(event.data["milestone"])
    return found


def test_a_finished_passage_begins_in_its_lane_and_ends_when_the_truck_has_left(
    passages: dict[tuple[str, str], list[dict[str, Any]]],
) -> None:
    finished = [steps for steps in passages.values() if steps[-1]["step"] == "gate_left"]
    assert len(finished) > 60
    for steps in finished:
        names = [step["step"] for step in steps if step["step"] != "queue_entered"]
        assert names[0] == "lane_entered"
        assert names[-2:] == ["barrier_opened", "gate_left"]
        known = [STEPS.index(name) for name in dict.fromkeys(names) if name in STEPS]
        assert known == sorted(known)
        assert len({step["lane"] for step in steps}) == 1


def test_only_one_truck_at_a_time_is_in_a_lane(events: tuple[Any, ...]) -> None:
    inside: dict[tuple[str, str], str] = {}
    for event in events:
        if not event.is_("gate.step") or event.data["step"] == "queue_entered":
            continue
        lane = (event.attributes["subject"], event.data["lane"])
        if event.data["step"] == "lane_entered":
            assert lane not in inside
            inside[lane] = event.data["visit_id"]
        assert inside[lane] == event.data["visit_id"]
        if event.data["step"] == "gate_left":
            del inside[lane]


def test_lanes_are_those_declared_and_of_the_right_direction(
    passages: dict[tuple[str, str], list[dict[str, Any]]],
) -> None:
    assert {(d, steps[0]["lane"].rstrip("1234")) for (_, d), steps in passages.items()} == {
        ("in", "IN"),
        ("out", "OUT"),
    }


def test_people_and_agencies_act_now_and_then(passages: dict[tuple[str, str], list[dict[str, Any]]]) -> None:
    steps = [step for passage in passages.values() for step in passage]
    assert 0.01 < sum(step["manual"] for step in steps) / len(steps) < 0.2
    assert {"system", "customs", "terminal"} <= {step["actor"] for step in steps}
    assert {"ok", "hold"} <= {step.get("result") for step in steps}


def test_visits_of_the_truth_are_those_of_the_steps(long_run: Any, passages: Any) -> None:
    left = {visit["visit_id"] for visit in long_run.truth["visits"] if visit["out_left"]}
    assert left == {v for (v, d), steps in passages.items() if d == "out" and steps[-1]["step"] == "gate_left"}
    manual = sum(visit["manual_steps"] for visit in long_run.truth["visits"])
    assert manual == sum(step["manual"] for steps in passages.values() for step in steps)


def test_camera_is_right_at_98_of_100_and_confuses_only_look_alikes() -> None:
    dice = Random(1)
    readings = [ocr.read("QSYU2045188", dice) for _ in range(20_000)]
    wrong = [reading for reading in readings if reading.corrected is not None]
    assert 0.015 < len(wrong) / len(readings) < 0.025
    for reading in wrong:
        assert reading.corrected == "QSYU2045188"
        differing = [(a, b) for a, b in zip("QSYU2045188", reading.value, strict=True) if a != b]
        assert len(differing) == 1
        assert differing[0] in [("S", "5"), ("5", "S"), ("0", "O"), ("1", "I"), ("2", "Z"), ("8", "B")]
        assert reading.confidence < 0.93


def test_boxes_pass_their_milestones_in_order(milestones: dict[str, list[str]]) -> None:
    walked = [list(dict.fromkeys(names)) for names in milestones.values()]
    for names in walked:
        assert any(is_part_of(names, route) for route in (IMPORT, EXPORT, ["restowed"]))


def is_part_of(names: list[str], route: list[str]) -> bool:
    """Whether `names` is a stretch of `route`; a box may have come or may leave outside the run."""
    return any(route[i : i + len(names)] == names for i in range(len(route)))


def test_some_boxes_are_seen_from_ship_to_customs_and_some_leave_after_their_release(
    milestones: dict[str, list[str]],
) -> None:
    walked = [list(dict.fromkeys(names)) for names in milestones.values()]
    assert IMPORT[:3] in walked
    assert ["clearance", "released", "gated_out"] in walked


def test_every_box_that_leaves_was_released_before(milestones: dict[str, list[str]]) -> None:
    gone = [names for names in milestones.values() if "gated_out" in names]
    assert gone
    assert all("released" in names[: names.index("gated_out")] for names in gone)


def test_ship_alongside_arrived_before_the_run_and_works_during_it(events: tuple[Any, ...]) -> None:
    calls: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for event in events:
        if event.is_("vessel.milestone"):
            assert event.attributes["subject"].endswith(event.data["call_id"])
            calls[event.data["call_id"]].append((event.data["milestone"], event.data["classifier"]))
    first = [names for call, names in calls.items() if call.endswith("_1")]
    assert len(first) == 2
    for names in first:
        assert [n for n, _ in names][:9] == [
            "pilot_station_arrival", "anchored", "anchor_aweigh", "first_line", "berth_arrival", "all_fast",
            "gangway_secured", "ready_for_cargo", "cargo_started",
        ]  # fmt: skip
    approaching = [names for call, names in calls.items() if call.endswith("_2")]
    assert all(names[0] == ("berth_arrival", "PLN") for names in approaching)
    assert all(("anchored", "ACT") in names for names in approaching)
