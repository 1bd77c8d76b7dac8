"""The pipeline's steps as a lane uses them: read, hold, plan."""

import pytest

from schemas.outcome import Outcome, Reason
from streams.core.bound import Bound
from streams.core.domain import Limits
from streams.core.record import Stretch
from streams.core.refusal import Refusal
from streams.core.writes import Pause
from streams.pipeline import Held
from tests.support.judging import counts, pipeline, planned, written
from tests.support.records import CRANE, CRANES, OTHER_CRANES, crane, numbered, stretch

LIMITS = Limits(dead_letter_run=3)


def held(*stretches: Stretch) -> Held:
    by = pipeline("crane", LIMITS)
    return by.hold(stretches, by.read(stretches, {}), {tp: Bound(LIMITS) for tp in (CRANES, OTHER_CRANES)})


def lengths(found: Held) -> list[int]:
    return [len(stretch.records) for stretch in found.stretches]


def test_good_batch_passes_whole() -> None:
    found = held(stretch([crane("a"), b"x", b"x", crane("b")]))
    assert (lengths(found), found.pauses, found.is_cut) == ([4], (), False)


def test_partition_is_cut_behind_the_record_that_crosses() -> None:
    found = held(stretch([crane("a"), b"x", b"x", b"x", b"x", crane("b")]), stretch([crane("c")], tp=OTHER_CRANES))
    assert (lengths(found), found.is_cut) == ([4, 1], True)
    assert [pause.tp for pause in found.pauses] == [CRANES]


def test_pause_says_which_record_and_why() -> None:
    (pause,) = held(stretch([b"x", b"x", None], first=40)).pauses
    assert "offset 42" in pause.detail
    assert "undecodable" in pause.detail


def test_partition_that_crosses_with_its_last_record_is_not_cut_but_paused() -> None:
    found = held(stretch([b"x"] * 3))
    assert (lengths(found), found.is_cut, len(found.pauses)) == ([3], False, 1)


def test_every_partition_has_its_own_bound() -> None:
    found = held(stretch([b"x"] * 5), stretch([b"x"] * 2, tp=OTHER_CRANES))
    assert lengths(found) == [3, 2]


@pytest.mark.parametrize("reason", [Reason.TOO_OLD, Reason.CLOCK_SKEW, Reason.BAD_SUBJECT, Reason.NOT_CLOUDEVENT])
def test_only_poison_counts(reason: Reason) -> None:
    made = {
        Reason.TOO_OLD: crane("a", ago_s=91 * 86_400.0),
        Reason.CLOCK_SKEW: crane("a", ago_s=-3_600.0),
        Reason.BAD_SUBJECT: crane("a", subject="sts"),
        Reason.NOT_CLOUDEVENT: {"id": "a"},
    }[reason]
    assert held(stretch([made] * 9)).pauses == ()
    assert written([stretch([made])]).tally == {(Outcome.REJECTED, reason): 1}


def test_pauses_are_written_with_the_batch_that_caused_them() -> None:
    pause = Pause(CRANES, "too many")
    plan = planned([stretch([b"x"])], pauses=(pause,))
    assert plan.pauses == plan.writes(()).pauses == (pause,)


def test_plan_without_look_ups_needs_nothing_stored() -> None:
    plan = planned([stretch([numbered(1), b"x", numbered(2)])])
    assert plan.probes == ()
    assert counts(plan.writes(())) == {"accepted": 2, "duplicate": 0, "rejected": 1, "missing": 0}


def test_look_ups_change_outcomes_but_no_stream() -> None:
    plan = planned([stretch([numbered(1), crane("a")])])
    found, nothing = plan.writes(plan.probes), plan.writes(())
    assert found.streams == nothing.streams == plan.changes
    assert (counts(found)["duplicate"], counts(nothing)["duplicate"]) == (1, 0)


def test_forced_refusal_is_a_dead_letter_and_its_number_stays_open() -> None:
    forced = {(CRANES, 1): Refusal(Reason.STORAGE_REFUSED, "no room")}
    writes = written([stretch([numbered(1), numbered(2), numbered(3)])], forced=forced)
    (change,) = writes.streams
    assert change.after.intervals == (1, 1, 3, 3)
    assert writes.tally[Outcome.REJECTED, Reason.STORAGE_REFUSED] == 1


def test_batch_of_nothing_but_dead_letters_has_no_rows() -> None:
    writes = written([stretch([b"x", None])])
    assert (writes.rows, writes.rollups, writes.assets) == ({}, {}, frozenset())


def test_late_event_lands_in_its_own_minute() -> None:
    writes = written([stretch([crane("now", ago_s=1.0), crane("late", ago_s=40 * 86_400.0)])])
    minutes = writes.rollups["port.crane_minute"].to_pylist()
    assert [(row["bucket"].isoformat(), row["samples"]) for row in minutes] == [
        ("2026-10-15T02:00:00+00:00", 1),
        ("2026-11-24T02:00:00+00:00", 1),
    ]
    assert {row["crane_id"] for row in minutes} == {CRANE}
