"""Which facts a batch may change: enough marks, and not one for every sample of a working crane."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.facts.marks import SETTLES_US, Mark, Tail, Tails, clocks_of, marks_of
from tests.support.raw import CRANE, Row, at, batches, gate_step, milestone, row

OTHER = "VNHPH-TANVU-STS02"
US = 1_000_000
START_US = int(at(0).timestamp() * US)


def sample(seconds: float, locked: bool | None = None, crane: str = CRANE) -> Row:
    return row("port.crane_sample", crane, at(seconds), load_t=1.0, spreader_locked=locked)


def marks(rows: list[Row], tails: Tails | None = None) -> list[Mark]:
    return list(marks_of(batches(rows), tails or {}).marks)


def span(mark: Mark) -> tuple[float, float]:
    """Seconds of the test's day."""
    return (mark.from_us - START_US) / US, (mark.to_us - START_US) / US


def tail(newest_s: float, locked: bool | None = None, edge_s: float | None = None) -> Tail:
    edge = None if edge_s is None else START_US + int(edge_s * US)
    return Tail(START_US + int(newest_s * US), locked, edge)


def test_steps_mark_their_visit_once_with_the_span_they_cover() -> None:
    (mark,) = marks([gate_step(30, "weighed"), gate_step(10, "lane_entered"), gate_step(20, "ocr_read")])
    assert (mark.kind, mark.key, span(mark)) == ("gate_visit", "VNHPH-TANVU/V1", (10, 30))


def test_readings_and_steps_of_a_visit_are_one_mark() -> None:
    said = {"visit_id": "V1", "lane": "L1", "kind": "container", "value": "CSQU3054383", "confidence": 0.9}
    reading = row("port.ocr_read", "VNHPH-TANVU-GATE1", at(5), **said)
    (mark,) = marks([gate_step(10, "lane_entered"), reading])
    assert span(mark) == (5, 10)


def test_containers_and_calls_are_marked_by_what_they_are_known_by() -> None:
    said = {"imo": "9074729", "call_id": "CALL-1", "milestone": "all_fast", "classifier": "ACT"}
    call = row("port.vessel_milestone", "VNHPH-TANVU-CALL1", at(1), **said)
    found = marks([milestone(0, "discharged"), call])
    assert {(m.kind, m.key) for m in found} == {
        ("cargo_visit", "VNHPH-TANVU/CSQU3054383"),
        ("vessel_call", "VNHPH-TANVU/CALL-1"),
    }


def test_a_crane_nobody_knows_is_marked_whole() -> None:
    (mark,) = marks([sample(1), sample(2)])
    assert span(mark) == (1, 2)


def test_samples_that_go_on_without_an_edge_mark_nothing() -> None:
    assert marks([sample(1, True), sample(2), sample(3, True)], {CRANE: tail(0, False)}) == []


def test_an_unlock_inside_the_batch_marks_from_there() -> None:
    rows = [sample(1, True), sample(2), sample(3, False), sample(9, False)]
    (mark,) = marks(rows, {CRANE: tail(0, True)})
    assert span(mark) == (3, 9)


def test_an_unlock_between_two_batches_is_seen_by_what_is_known() -> None:
    (mark,) = marks([sample(1), sample(2, False)], {CRANE: tail(0, True)})
    assert span(mark) == (2, 2)
    assert marks([sample(1), sample(2, False)], {CRANE: tail(0, False)}) == []
    assert len(marks([sample(1), sample(2, False)], {CRANE: tail(0, None)})) == 1


def test_an_unlock_that_may_be_chatter_is_marked_again_when_more_is_known() -> None:
    first = marks_of(batches([sample(1, True), sample(2, False)]), {CRANE: tail(0, True)})
    assert first.tails[CRANE].edge_us == START_US + 2 * US
    second = marks_of(batches([sample(3), sample(5)]), first.tails)
    assert [span(mark) for mark in second.marks] == [(2, 5)]
    assert second.tails[CRANE].edge_us is None
    assert marks_of(batches([sample(6)]), second.tails).marks == ()


def test_late_samples_mark_what_they_cover() -> None:
    (mark,) = marks([sample(5), sample(6)], {CRANE: tail(100, True)})
    assert span(mark) == (5, 6)


def test_history_says_nothing_of_how_the_crane_stands_now() -> None:
    now = marks_of(batches([sample(100, True)]), {CRANE: tail(99, True)}).tails
    after = marks_of(batches([sample(5, True), sample(6, False)]), now).tails
    (mark,) = marks([sample(101, False)], after)
    assert span(mark) == (101, 101)
    assert marks([sample(101, True)], after) == []


def test_a_late_flag_after_the_last_one_leaves_it_open_how_the_crane_stands() -> None:
    now = marks_of(batches([sample(100, False), sample(110)]), {CRANE: tail(99, False)}).tails
    after = marks_of(batches([sample(105, True)]), now).tails
    assert len(marks([sample(111, False)], after)) == 1


def test_history_keeps_the_lift_that_just_ended_and_the_edge_that_has_not_settled() -> None:
    now = marks_of(batches([sample(99, True), sample(100, False)]), {CRANE: tail(98, True)}).tails
    after = marks_of(batches([sample(5, True), sample(6, False), sample(20)]), now).tails
    assert len(marks([job(130, "readytocollect")], after)) == 1
    assert [span(mark) for mark in marks([sample(101)], after)] == [(100, 101)]


def test_a_batch_seen_twice_is_marked_twice() -> None:
    rows = [sample(1, True), sample(2, False)]
    seen = marks_of(batches(rows), {CRANE: tail(0, True)})
    assert len(marks_of(batches(rows), seen.tails).marks) == 1


def test_cranes_of_one_batch_are_told_apart() -> None:
    rows = [sample(1, True), sample(1, False, OTHER), sample(2, False), sample(2, True, OTHER)]
    (mark,) = marks(rows, {CRANE: tail(0, False), OTHER: tail(0, False)})
    assert mark.key == CRANE


def job(seconds: float, step: str) -> Row:
    return row("port.crane_job", CRANE, at(seconds), job_id="J1", step=step)


def test_the_end_of_a_job_marks_and_its_other_steps_only_when_late() -> None:
    assert marks([job(5, "dispatched")], {CRANE: tail(0)}) == []
    assert [span(mark) for mark in marks([job(5, "delivered")], {CRANE: tail(0)})] == [(5, 5)]
    assert [span(mark) for mark in marks([job(5, "dispatched")], {CRANE: tail(9)})] == [(5, 5)]


def test_what_is_told_of_jobs_soon_after_a_lift_marks_too() -> None:
    lifted = marks_of(batches([sample(1, True), sample(2, False), sample(9)]), {CRANE: tail(0, True)}).tails
    assert len(marks([job(61, "readytocollect")], lifted)) == 1
    assert marks([job(63, "readytocollect")], lifted) == []


def test_a_late_assignment_marks_everything_after_it() -> None:
    said = row("port.crane_assignment", CRANE, at(5), call_id="CALL-1", state="allocated")
    (mark,) = marks([said], {CRANE: tail(9)})
    assert span(mark)[0] == 5
    assert span(mark)[1] > 1e9
    assert marks([said], {CRANE: tail(1)}) == []


def test_whatever_a_crane_tells_says_how_far_its_site_has_come() -> None:
    status = row("port.crane_status", CRANE, at(7), status="idle")
    fault = row("port.crane_fault", OTHER, at(9), code="F1", severity="error", active=True)
    (mark,) = clocks_of(batches([sample(3), fault, status]))
    assert (mark.kind, mark.key, span(mark)) == ("site_clock", "VNHPH-TANVU", (9, 9))
    assert list(clocks_of(batches([gate_step(1, "weighed")]))) == []


samples = st.lists(st.tuples(st.sampled_from([None, True, False]), st.sampled_from([CRANE, OTHER])), max_size=30)


@given(samples, st.integers(1, 8))
def test_every_unlock_is_marked_however_the_samples_are_cut(said: list[tuple[Any, str]], size: int) -> None:
    rows = [sample(n * SETTLES_US / US, locked, crane) for n, (locked, crane) in enumerate(said)]
    tails: Tails = {CRANE: tail(-1, False), OTHER: tail(-1, False)}
    found: list[Mark] = []
    for start in range(0, len(rows), size):
        marked = marks_of(batches(rows[start : start + size]), tails)
        tails, found = {**tails, **marked.tails}, [*found, *marked.marks]
    for crane in (CRANE, OTHER):
        flags = [one for one in rows if one["crane_id"] == crane and one["spreader_locked"] is not None]
        edges = [b["time"] for a, b in pairwise(flags) if a["spreader_locked"] and not b["spreader_locked"]]
        for edge in edges:
            at_us = int(edge.timestamp() * US)
            assert any(mark.key == crane and mark.from_us <= at_us <= mark.to_us for mark in found)
