"""A truck's visit, told step by step: whatever comes, in whatever order, its waits add up and nothing is dropped."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.events.gate import GateStep
from schemas.events.model import EventData
from streams.facts.gate_visit import PATIENCE, fold
from tests.support.facts import rows_of, shown

KEY = "VNHPH-TANVU/GATE01-7f/3"
START = datetime(2026, 11, 24, tzinfo=UTC)
AS_OF = START + timedelta(hours=3)
STEPS, OCR = "port.gate_step", "port.ocr_read"


def values_of(model: type[EventData], field: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([*model.model_json_schema()["properties"][field]["enum"]])


def step(minutes: float, name: str, direction: str = "in", **more: Any) -> dict[str, Any]:
    row = {"lane": "L1", "direction": direction, "step": name, "actor": "system", "manual": False}
    return {"time": START + timedelta(minutes=minutes), **row, **more}


def visit(*steps: dict[str, Any], reads: tuple[dict[str, Any], ...] = (), as_of: datetime = AS_OF) -> dict[str, Any]:
    (fact,) = fold(KEY, rows_of(KEY, {STEPS: steps, OCR: reads}), as_of)
    shown(fact)
    return dict(fact.values)


def read(minutes: float, kind: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "time": START + timedelta(minutes=minutes),
        "lane": "L1",
        "kind": kind,
        "value": value,
        "confidence": 0.9,
    } | more


any_step = st.builds(
    lambda us, name, direction, actor, manual, result, lane: {
        "time": START + timedelta(microseconds=us),
        "lane": lane,
        "direction": direction,
        "step": name,
        "actor": actor,
        "manual": manual,
        "result": result,
    },
    st.integers(0, 7 * 3_600_000_000),
    values_of(GateStep, "step"),
    values_of(GateStep, "direction"),
    values_of(GateStep, "actor"),
    st.booleans(),
    st.sampled_from([None, "ok", "hold", "fail"]),
    st.sampled_from(["IN1", "OUT1"]),
)
any_steps = st.lists(any_step, min_size=1, max_size=25)


@given(any_steps)
def test_waits_by_actor_add_up_to_the_whole_visit_to_the_microsecond(steps: list[dict[str, Any]]) -> None:
    found = visit(*steps)
    parts_us = sum(round(wait_s * 1_000_000) for wait_s in found["wait_s_by_actor"].values())
    assert parts_us == (found["last_at"] - found["first_at"]) // timedelta(microseconds=1)
    assert parts_us == (max(s["time"] for s in steps) - min(s["time"] for s in steps)) // timedelta(microseconds=1)


@given(any_steps, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(steps: list[dict[str, Any]], dice: Random) -> None:
    rows = rows_of(KEY, {STEPS: steps, OCR: [read(1, "container", "CSQU3O54383"), read(2, "container", "CSQU3054383")]})
    before = fold(KEY, rows, AS_OF)
    for told in rows.values():
        dice.shuffle(told)
    assert fold(KEY, rows, AS_OF) == before


@given(any_steps)
def test_a_step_told_twice_changes_nothing(steps: list[dict[str, Any]]) -> None:
    assert visit(*steps, *steps) == visit(*steps)


@given(any_steps)
def test_counts_stay_within_the_steps_and_no_time_is_negative(steps: list[dict[str, Any]]) -> None:
    found = visit(*steps)
    assert 0 <= found["manual_touch_points"] <= len(steps)
    assert sum(found["exception_reasons"].values()) == found["exceptions"]
    for column in ("transaction_s", "transaction_out_s", "inside_s", "turn_time_s", "total_turn_time_s"):
        assert found[column] is None or found[column] >= 0


def test_a_touch_point_is_a_step_whose_actor_is_not_the_system() -> None:
    found = visit(
        step(0, "lane_entered"),
        step(1, "customs_checked", actor="customs"),
        step(2, "document_checked", actor="tax", manual=True),
        step(3, "ocr_read", manual=True),
    )
    assert (found["touch_points"], found["manual_touch_points"]) == (2, 2)


def test_turn_time_is_from_the_way_in_to_the_way_out_and_the_total_includes_the_queue() -> None:
    found = visit(
        step(0, "queue_entered"), step(20, "lane_entered"), step(21, "barrier_opened"), step(22, "gate_left"),
        step(50, "lane_entered", "out"), step(51, "barrier_opened", "out"), step(52, "gate_left", "out"),
    )  # fmt: skip
    assert (found["turn_time_s"], found["total_turn_time_s"], found["inside_s"]) == (1800.0, 3120.0, 1680.0)
    assert (found["transaction_s"], found["transaction_out_s"]) == (60.0, 60.0)


def test_without_the_way_out_of_the_gate_the_barrier_says_when_the_truck_was_inside() -> None:
    found = visit(step(0, "lane_entered"), step(1, "barrier_opened"), step(31, "gate_left", "out"))
    assert (found["turn_time_s"], found["outcome"]) == (1800.0, "complete")


def test_a_barrier_that_opened_before_the_truck_was_in_the_lane_makes_no_transaction() -> None:
    assert visit(step(1, "barrier_opened"), step(2, "lane_entered"))["transaction_s"] is None


def test_a_queue_alone_is_no_gate_in() -> None:
    assert visit(step(0, "queue_entered"), step(9, "gate_left", "out"))["outcome"] == "no_gate_in"


def test_a_visit_is_closed_by_age_when_nothing_was_heard_for_as_long_as_the_patience() -> None:
    steps = (step(0, "lane_entered"), step(2, "gate_left"))
    last_at = START + timedelta(minutes=2)
    assert visit(*steps, as_of=last_at + PATIENCE - timedelta(seconds=1))["outcome"] == "open"
    assert visit(*steps, as_of=last_at + PATIENCE)["outcome"] == "incomplete"
    (fact,) = fold(KEY, rows_of(KEY, {STEPS: steps}), last_at + timedelta(hours=2), timedelta(hours=1))
    assert fact.values["outcome"] == "incomplete"


def test_the_name_of_a_visit_may_have_a_slash() -> None:
    found = visit(step(0, "lane_entered"))
    assert (found["site"], found["visit_id"]) == ("VNHPH-TANVU", "GATE01-7f/3")


def test_no_rows_make_no_visit() -> None:
    assert fold(KEY, {}, AS_OF) == []


def test_the_first_pass_is_what_the_first_reading_of_each_kind_says() -> None:
    right, misread = read(1, "container", "CSQU3054383"), read(1, "container", "CSQU3O54383")
    assert visit(step(0, "lane_entered"))["ocr_first_pass"] is None
    assert visit(reads=(right, read(2, "seal", "VN1")))["ocr_first_pass"] is True
    assert visit(reads=(misread, read(2, "container", "CSQU3054383")))["ocr_first_pass"] is False
    assert visit(reads=(right, read(2, "seal", "VN1", corrected_value="VN7")))["ocr_first_pass"] is False
    assert visit(reads=(right, read(2, "seal", "VN1", corrected_value="VN1")))["ocr_first_pass"] is True


def test_a_second_reading_that_is_right_repairs_the_first() -> None:
    found = visit(reads=(read(1, "container", "CSQU3O54383"), read(2, "container", "CSQU3054383")))
    assert (found["equipment_reference"], found["corrected_by"]) == ("CSQU3054383", "repair")
    assert (found["container_reads"], found["check_digit_failures"]) == (2, 1)


def test_a_person_counts_before_the_steps_and_those_before_a_reading() -> None:
    steps = (step(0, "lane_entered", equipment_reference="QSYU1050050"),)
    readings = (read(1, "container", "MSKU9070323"),)
    assert visit(*steps, reads=readings)["equipment_reference"] == "QSYU1050050"
    corrected = (read(1, "container", "MSKU9070323", corrected_value="HLXU 200841-9"),)
    found = visit(*steps, reads=corrected)
    assert (found["equipment_reference"], found["corrected_by"]) == ("HLXU2008419", "person")


def test_a_number_that_is_no_container_is_shown_as_it_stands_in_the_steps() -> None:
    found = visit(step(0, "lane_entered", equipment_reference="CSQU3054384"))
    assert (found["equipment_reference"], found["corrected_by"]) == ("CSQU3054384", None)


def test_plates_are_left_out_of_what_is_judged() -> None:
    found = visit(reads=(read(1, "plate", "15C12345", corrected_value="15C12346"), read(2, "iso_type", "22G1")))
    assert (found["ocr_reads"], found["ocr_corrected"], found["ocr_first_pass"]) == (1, 0, True)
