"""A ship's call: actual times make the columns, whatever was planned and in whatever order it was told."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events.vessel import VesselMilestone
from streams.facts.vessel_call import PATIENCE, fold
from tests.support.facts import rows_of, shown

KEY = "VNHPH-TANVU/C-7"
START = datetime(2026, 11, 24, tzinfo=UTC)
VESSEL = "port.vessel_milestone"
AS_OF = START + timedelta(days=2)
DURATIONS = ("wait_s", "berth_s", "cargo_s", "turnaround_s", "port_s")
MILESTONES = [*VesselMilestone.model_json_schema()["properties"]["milestone"]["enum"]]


def told(hours: float, milestone: str, classifier: str = "ACT", **more: Any) -> dict[str, Any]:
    row = {"imo": "9321483", "milestone": milestone, "classifier": classifier}
    return {"time": START + timedelta(hours=hours), **row, **more}


def call(*rows: dict[str, Any], as_of: datetime = AS_OF) -> dict[str, Any]:
    (fact,) = fold(KEY, rows_of(KEY, {VESSEL: rows}), as_of)
    shown(fact)
    return dict(fact.values)


any_rows = st.lists(
    st.builds(
        told,
        st.integers(0, 48),
        st.sampled_from(MILESTONES),
        st.sampled_from(["ACT", "EST", "PLN", "REQ"]),
        berth=st.sampled_from([None, "TANVU-1", "TANVU-2"]),
    ),
    min_size=1,
    max_size=25,
)


@given(any_rows, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(rows: list[dict[str, Any]], dice: Random) -> None:
    before = rows_of(KEY, {VESSEL: rows})
    after = {VESSEL: dice.sample(before[VESSEL], len(before[VESSEL]))}
    assert fold(KEY, after, AS_OF) == fold(KEY, before, AS_OF)


@given(any_rows)
def test_what_is_planned_makes_no_column(rows: list[dict[str, Any]]) -> None:
    found = call(*rows, told(60, "sailed", "EST"))
    actual = {row["time"] for row in rows if row["classifier"] == "ACT"}
    times = [value for name, value in found.items() if name.endswith("_at") and name not in ("first_at", "last_at")]
    assert {time for time in times if time is not None} <= actual


@given(any_rows)
def test_no_duration_is_negative_and_none_comes_from_one_end_alone(rows: list[dict[str, Any]]) -> None:
    found = call(*rows)
    assert all(found[name] is None or found[name] >= 0 for name in DURATIONS)
    if found["berthed_at"] is None or found["departed_at"] is None:
        assert found["berth_s"] is None


@given(any_rows)
def test_a_milestone_told_twice_changes_nothing(rows: list[dict[str, Any]]) -> None:
    assert call(*rows, *rows) == call(*rows)


@pytest.mark.parametrize("classifier", ["EST", "PLN", "REQ"])
def test_the_latest_of_each_kind_is_kept_for_reference(classifier: str) -> None:
    first = told(1, "berth_arrival", classifier, expected_time=datetime(2026, 11, 26, 1, tzinfo=UTC))
    moved = told(2, "berth_arrival", classifier, expected_time=datetime(2026, 11, 26, 3, 30, tzinfo=UTC))
    silent = told(3, "berth_arrival", classifier)
    for rows, told_at, expected_time in (
        ((first,), "2026-11-24T01:00:00Z", "2026-11-26T01:00:00Z"),
        ((moved, first), "2026-11-24T02:00:00Z", "2026-11-26T03:30:00Z"),
        ((first, silent), "2026-11-24T03:00:00Z", None),
    ):
        said = {classifier: {"told_at": told_at, "expected_time": expected_time}}
        assert call(*rows)["expected"] == {"berth_arrival": said}


def test_waiting_is_from_the_anchorage_to_the_berth_and_port_hours_from_whatever_came_first() -> None:
    found = call(
        told(0, "pilot_station_arrival"), told(1, "anchored"), told(6, "berth_arrival"), told(20, "berth_departure")
    )
    assert (found["wait_s"], found["port_s"]) == (5 * 3600, 20 * 3600)


def test_a_ship_that_went_straight_to_the_berth_has_no_waiting_time_to_tell() -> None:
    found = call(told(0, "pilot_station_arrival"), told(2, "berth_arrival"), told(9, "berth_departure"))
    assert (found["wait_s"], found["port_s"], found["outcome"]) == (None, 9 * 3600, "complete")


def test_an_open_call_is_closed_by_age() -> None:
    rows = (told(0, "first_line"),)
    assert call(*rows, as_of=START + PATIENCE - timedelta(seconds=1))["outcome"] == "open"
    assert call(*rows, as_of=START + PATIENCE)["outcome"] == "incomplete"


def test_a_call_that_sailed_is_complete_even_where_the_departure_from_the_berth_was_lost() -> None:
    assert call(told(0, "all_fast"), told(9, "sailed"))["outcome"] == "complete"


def test_the_berth_is_where_it_arrived_until_then_where_it_is_said_to_come_to() -> None:
    planned = told(0, "berth_arrival", "PLN", berth="TANVU-1")
    assert call(planned)["berth"] == "TANVU-1"
    assert (
        call(planned, told(1, "berth_arrival", berth="TANVU-3"), told(2, "all_fast", berth="TANVU-9"))["berth"]
        == "TANVU-3"
    )


def test_no_rows_make_no_call() -> None:
    assert fold(KEY, {}, AS_OF) == []
