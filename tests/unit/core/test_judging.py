"""Which events are new: numbers first, stored rows where numbers cannot tell."""

from collections.abc import Collection
from typing import Any

import pytest

from schemas.outcome import Outcome, Reason
from streams.core.sequence import StreamKey, StreamState
from streams.core.writes import Probe
from tests.support.judging import pipeline, planned, written
from tests.support.records import APPENDED_MS, CRANE, OTHER_CRANES, SOURCE, crane, numbered, stretch

TYPE = "io.quaystream.crane.sample.v1"
STREAM = StreamKey(SOURCE, "boot-1", CRANE, TYPE)
STATUS: dict[str, Any] = {"type": "io.quaystream.crane.status.v1", "data": {"status": "idle"}}


def outcomes(
    *documents: Any, stored: Collection[tuple[str, str]] = (), state: StreamState | None = None
) -> dict[str, int]:
    states = {} if state is None else {STREAM: state}
    tally = written([stretch(documents)], stored=stored, states=states).tally
    return {(reason or outcome).value: count for (outcome, reason), count in tally.items()}


def test_new_numbers_need_no_look_up() -> None:
    plan = planned([stretch([numbered(1), numbered(2)])])
    assert (plan.probes, plan.locks) == ((), frozenset())


def test_repeated_number_is_looked_up_without_a_lock() -> None:
    plan = planned([stretch([numbered(3)])], states={STREAM: StreamState(4, (1, 9))})
    time_us = APPENDED_MS * 1_000 - 99_997_000
    assert plan.probes == (Probe("port.crane_sample", CRANE, time_us, SOURCE, "boot-1-3"),)
    assert plan.locks == frozenset()
    assert plan.changes == ()


def test_unnumbered_event_is_looked_up_in_the_table_of_its_type_under_a_lock() -> None:
    plan = planned([stretch([crane("e1", **STATUS)])])
    assert [(probe.table, probe.event_id) for probe in plan.probes] == [("port.crane_status", "e1")]
    assert plan.locks == {CRANE}


@pytest.mark.parametrize("attributes", [{"sequence": "4"}, {"bootid": "boot-1"}, {"bootid": None, "sequence": 4}])
def test_number_without_a_boot_id_counts_for_nothing(attributes: dict[str, Any]) -> None:
    plan = planned([stretch([crane("e1", **attributes)])])
    assert len(plan.probes) == 1
    assert plan.changes == ()


def test_same_number_of_the_same_event_is_a_duplicate() -> None:
    assert outcomes(numbered(1), numbered(1)) == {"accepted": 1, "duplicate": 1}


def test_same_number_of_another_event_is_a_conflict() -> None:
    assert outcomes(numbered(1), {**numbered(1), "id": "other"}) == {"accepted": 1, "sequence_conflict": 1}


def test_conflict_does_not_depend_on_the_partition() -> None:
    writes = written([stretch([numbered(1)]), stretch([{**numbered(1), "id": "other"}], tp=OTHER_CRANES)])
    assert [(step.tp.partition, step.accepted, step.rejected) for step in writes.progress] == [(0, 1, 0), (1, 0, 1)]


def test_known_number_of_a_stored_event_is_a_duplicate() -> None:
    state = StreamState(4, (1, 9))
    assert outcomes(numbered(3), state=state, stored={(SOURCE, "boot-1-3")}) == {"duplicate": 1}


def test_known_number_of_an_event_that_is_not_stored_is_a_conflict() -> None:
    assert outcomes(numbered(3), state=StreamState(4, (1, 9))) == {"sequence_conflict": 1}


def test_number_below_the_floor_is_decided_by_the_stored_row() -> None:
    state = StreamState(4, (100, 200), pruned_below=50)
    assert outcomes(numbered(3), state=state) == {"accepted": 1}
    assert outcomes(numbered(3), state=state, stored={(SOURCE, "boot-1-3")}) == {"duplicate": 1}
    assert outcomes(numbered(3), numbered(3), state=state) == {"accepted": 1, "duplicate": 1}


def test_number_below_the_floor_locks_its_asset_and_changes_no_stream() -> None:
    plan = planned([stretch([numbered(3)])], states={STREAM: StreamState(4, (100, 200), pruned_below=50)})
    assert plan.locks == {CRANE}
    assert plan.changes == ()


@pytest.mark.parametrize(
    "other", [{"bootid": "boot-2"}, {"source": "/gw-02"}, {"subject": "VNHPH-TANVU-STS02"}, {**STATUS}]
)
def test_every_part_of_a_stream_counts_for_itself(other: dict[str, Any]) -> None:
    assert outcomes(numbered(1), {**numbered(1), "id": "other", **other}) == {"accepted": 2}


def test_unnumbered_event_that_comes_twice_is_a_duplicate() -> None:
    assert outcomes(crane("e1"), crane("e1"), crane("e2")) == {"accepted": 2, "duplicate": 1}


def test_unnumbered_event_that_is_stored_is_a_duplicate() -> None:
    assert outcomes(crane("e1"), crane("e2"), stored={(SOURCE, "e1")}) == {"accepted": 1, "duplicate": 1}


def test_same_id_of_another_source_is_another_event() -> None:
    assert outcomes(crane("e1"), crane("e1", source="/gw-02"), stored={("/gw-03", "e1")}) == {"accepted": 2}


def test_rejected_number_stays_a_gap_that_its_replay_fills() -> None:
    bad = {**numbered(2), "data": {"load_t": "heavy"}}
    (first,) = written([stretch([numbered(1), bad, numbered(3)])]).streams
    assert first.after.intervals == (1, 1, 3, 3)
    (replayed,) = written([stretch([numbered(2)])], states={STREAM: first.after}).streams
    assert replayed.after.intervals == (1, 3)
    assert [is_filled for _, is_filled in replayed.closed()] == [True]


@pytest.mark.parametrize("reason", [Reason.TOO_OLD, Reason.CLOCK_SKEW])
def test_age_and_skew_come_before_numbers(reason: Reason) -> None:
    late = {**numbered(1), "time": "2020-01-01T00:00:00Z" if reason is Reason.TOO_OLD else "2030-01-01T00:00:00Z"}
    assert outcomes(late, numbered(1)) == {reason.value: 1, "accepted": 1}


def test_streams_change_in_the_order_of_their_ids() -> None:
    """Which is the order their rows are locked in, whatever the order of the records."""
    documents = [numbered(1, bootid=f"boot-{n}") for n in range(20)]
    ids = [change.key.stream_id for change in planned([stretch(documents)]).changes]
    assert ids == sorted(ids)


def test_stream_that_only_repeats_is_not_written() -> None:
    writes = written([stretch([numbered(3)])], states={STREAM: StreamState(4, (1, 9))}, stored={(SOURCE, "boot-1-3")})
    assert writes.streams == ()


def test_next_version_is_one_up() -> None:
    (change,) = planned([stretch([numbered(10)])], states={STREAM: StreamState(4, (1, 9))}).changes
    assert change.after == StreamState(5, (1, 10), 0)


def test_stream_key_needs_both_number_and_boot_id() -> None:
    batch = pipeline().read([stretch([numbered(1), crane("e1")])], {})
    assert pipeline().streams(batch) == {STREAM}
    assert batch.numbered.unnumbered.tolist() == [1]


def test_outcome_words_are_the_contract_s() -> None:
    assert [outcome.value for outcome in Outcome] == ["accepted", "duplicate", "rejected"]
