"""A container's visits: split where it left, waits shared so that they add up, anomalies told and never dropped."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.events.cargo import CargoMilestone
from streams.facts.cargo_visit import PATIENCE, fold
from tests.support.facts import rows_of, shown

KEY = "VNHPH-TANVU/QSYU2045188"
START = datetime(2026, 11, 24, tzinfo=UTC)
CARGO = "port.cargo_milestone"
AS_OF = START + timedelta(days=20)


def told(hours: float, milestone: str, **more: Any) -> dict[str, Any]:
    return {"time": START + timedelta(hours=hours), "milestone": milestone} | more


def asked(hours: float, agency: str, status: str) -> dict[str, Any]:
    return told(hours, "clearance", agency=agency, status=status)


def visits(*rows: dict[str, Any], as_of: datetime = AS_OF) -> list[dict[str, Any]]:
    facts = fold(KEY, rows_of(KEY, {CARGO: rows}), as_of)
    for fact in facts:
        shown(fact)
    return [dict(fact.values) for fact in facts]


def visit(*rows: dict[str, Any], as_of: datetime = AS_OF) -> dict[str, Any]:
    (only,) = visits(*rows, as_of=as_of)
    return only


any_milestone = st.builds(
    lambda us, milestone, agency, status: {
        "time": START + timedelta(microseconds=us),
        "milestone": milestone,
        "agency": agency,
        "status": status,
    },
    st.integers(0, 10 * 86_400_000_000),
    st.sampled_from([*CargoMilestone.model_json_schema()["properties"]["milestone"]["enum"]]),
    st.sampled_from([None, "customs", "tax", "quarantine"]),
    st.sampled_from([None, "requested", "selected_scan", "selected_inspection", "hold", "cleared", "seen"]),
)
any_milestones = st.lists(any_milestone, min_size=1, max_size=25)


def waited_us(agencies: Sequence[tuple[datetime, datetime]]) -> int:
    """The union of intervals, counted another way: from one to the next."""
    total, reached = timedelta(), None
    for start, end in sorted(agencies):
        begin = start if reached is None else max(start, reached)
        total += max(end - begin, timedelta())
        reached = end if reached is None else max(end, reached)
    return total // timedelta(microseconds=1)


@given(any_milestones)
def test_waits_by_agency_add_up_and_never_exceed_the_stay(rows: list[dict[str, Any]]) -> None:
    for found in visits(*rows):
        parts_us = sum(round(wait_s * 1_000_000) for wait_s in found["wait_s_by_agency"].values())
        assert parts_us == round(found["agency_wait_s"] * 1_000_000)
        assert found["agency_wait_s"] <= (found["last_at"] - found["first_at"]).total_seconds()
        if found["dwell_s"] is not None:
            assert found["agency_wait_s"] <= found["dwell_s"]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 500), st.integers(1, 200)), min_size=1, max_size=12))
def test_the_sum_of_the_waits_is_the_time_in_which_anybody_was_waited_for(spans: list[tuple[str, int, int]]) -> None:
    rows, stretches, until = [told(-1, "discharged")], [], dict.fromkeys("abcd", -1)
    for agency, begin, length in sorted(spans, key=lambda span: span[1]):
        if begin > until[agency]:
            until[agency] = begin + length
            rows += [asked(begin / 60, agency, "requested"), asked((begin + length) / 60, agency, "cleared")]
            stretches.append((rows[-2]["time"], rows[-1]["time"]))
    assert round(visit(*rows)["agency_wait_s"] * 1_000_000) == waited_us(stretches)


@given(any_milestones, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(rows: list[dict[str, Any]], dice: Random) -> None:
    before = rows_of(KEY, {CARGO: rows})
    after = {CARGO: dice.sample(before[CARGO], len(before[CARGO]))}
    assert fold(KEY, after, AS_OF) == fold(KEY, before, AS_OF)


@given(any_milestones)
def test_every_visit_has_an_id_of_its_own_and_no_milestone_is_lost(rows: list[dict[str, Any]]) -> None:
    found = visits(*rows)
    assert len({one["cargo_visit_id"] for one in found}) == len(found)
    assert found[0]["first_at"] == min(row["time"] for row in rows)
    assert found[-1]["last_at"] == max(row["time"] for row in rows)
    for before, after in pairwise(found):
        assert before["last_at"] <= after["first_at"]


@given(any_milestones)
def test_a_milestone_told_twice_changes_nothing(rows: list[dict[str, Any]]) -> None:
    assert visits(*rows, *rows) == visits(*rows)


def test_a_late_milestone_of_the_same_stay_does_not_rename_the_visit() -> None:
    rows = [told(10, "discharged"), told(20, "released"), told(30, "gated_out")]
    known = visit(*rows)["cargo_visit_id"]
    assert visit(asked(2, "customs", "requested"), *rows)["cargo_visit_id"] == known
    assert visit(*rows, told(12, "stacked"))["cargo_visit_id"] == known


def test_what_is_told_within_a_day_of_leaving_belongs_to_the_visit_that_left() -> None:
    rows = [told(0, "discharged"), told(5, "gated_out")]
    assert len(visits(*rows, told(28.9, "released"))) == 1
    assert len(visits(*rows, told(29, "released"))) == 2


def test_an_arrival_told_again_within_six_hours_is_the_same_arrival() -> None:
    assert len(visits(told(0, "discharged"), told(5.9, "discharged"))) == 1
    first, second = visits(told(0, "discharged"), told(6, "discharged"))
    assert (first["outcome"], second["outcome"]) == ("incomplete", "open")


def test_a_release_clears_customs_when_the_clearance_was_lost() -> None:
    found = visit(told(0, "discharged"), asked(1, "customs", "requested"), told(3, "released"), told(5, "gated_out"))
    assert found["wait_s_by_agency"] == {"customs": 7200.0}
    assert found["cleared_at"] == START + timedelta(hours=3)


def test_nothing_is_cleared_while_one_agency_still_has_the_box() -> None:
    rows = [
        told(0, "discharged"),
        asked(1, "customs", "requested"),
        asked(2, "tax", "hold"),
        asked(3, "customs", "cleared"),
    ]
    assert visit(*rows)["cleared_at"] is None
    assert visit(*rows, asked(4, "tax", "cleared"))["cleared_at"] == START + timedelta(hours=4)


def test_a_wait_that_is_asked_for_and_cleared_at_once_is_over() -> None:
    rows = [told(0, "discharged"), asked(1, "customs", "cleared"), asked(1, "customs", "requested"), told(9, "stacked")]
    assert visit(*rows)["agency_wait_s"] == 0


def test_a_visit_is_closed_by_age() -> None:
    rows = [told(0, "discharged")]
    assert visit(*rows, as_of=START + PATIENCE - timedelta(seconds=1))["outcome"] == "open"
    assert visit(*rows, as_of=START + PATIENCE)["outcome"] == "incomplete"


def test_a_release_told_after_an_unseen_arrival_proves_the_anomaly() -> None:
    assert visit(told(5, "gated_out"))["outcome"] == "no_arrival"
    assert visit(told(5, "gated_out"), told(6, "released"))["outcome"] == "gated_out_unreleased"


def test_no_rows_make_no_visit() -> None:
    assert fold(KEY, {}, AS_OF) == []
