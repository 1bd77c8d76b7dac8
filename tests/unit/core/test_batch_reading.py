"""A batch is read in one order; age and skew are measured against the broker's append time, never a clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.examples import APPENDED_AT
from schemas.outcome import Reason
from streams.core.batch import Batch
from streams.core.domain import Limits
from streams.core.refusal import Refusal
from tests.support.judging import pipeline
from tests.support.records import CRANES, OTHER_CRANES, SOURCE, Sent, crane, encoded, numbered, stretch

US = timedelta(microseconds=1)


def read_at(moment: datetime, *, appended: datetime = APPENDED_AT, limits: Limits | None = None) -> Batch:
    """One crane sample of a moment, appended at another."""
    text = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    record = Sent(0, encoded(crane("e1", time=text)), timestamp=int(appended.timestamp() * 1_000))
    return pipeline("crane", limits).read([stretch([record])], {})


def reason(batch: Batch) -> Reason | None:
    return batch.refusals[0].reason if batch.refusals else None


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(minutes=5), None),
        (timedelta(minutes=5) + US, Reason.CLOCK_SKEW),
        (timedelta(days=-90), None),
        (timedelta(days=-90) - US, Reason.TOO_OLD),
    ],
)
def test_limits_of_time_are_inclusive(ahead: timedelta, expected: Reason | None) -> None:
    assert reason(read_at(APPENDED_AT + ahead)) is expected


def test_time_before_2000_is_skew_not_age() -> None:
    limits = Limits(max_age=timedelta(days=20_000))
    assert reason(read_at(datetime(2000, 1, 1, tzinfo=UTC), limits=limits)) is None
    assert reason(read_at(datetime(2000, 1, 1, tzinfo=UTC) - US, limits=limits)) is Reason.CLOCK_SKEW


def test_late_reading_changes_no_outcome() -> None:
    """A record appended long ago is judged as it would have been then."""
    long_ago = datetime(2010, 5, 1, tzinfo=UTC)
    assert reason(read_at(long_ago - timedelta(days=1), appended=long_ago)) is None
    assert reason(read_at(long_ago + timedelta(days=1), appended=long_ago)) is Reason.CLOCK_SKEW


def test_records_of_all_stretches_stand_one_after_the_other() -> None:
    batch = pipeline().read([stretch([crane("a"), b"x"], first=3), stretch([crane("b")], tp=OTHER_CRANES, first=8)], {})
    assert [event.id if event else None for event in batch.events] == ["a", None, "b"]
    assert batch.offsets.tolist() == [3, 4, 8]
    assert batch.partitions.tolist() == [0, 0, 1]
    assert [(s.tp, start, end) for s, start, end in batch.spans()] == [(CRANES, 0, 2), (OTHER_CRANES, 2, 3)]


@pytest.mark.parametrize("attribute", ["time", "recordedtime"])
@pytest.mark.parametrize("text", ["yesterday", "2026-11-24", "2026-11-24T02:00:00", "2026-02-30T02:00:00Z", ""])
def test_what_is_no_time_is_invalid_data_and_says_whose(attribute: str, text: str) -> None:
    batch = pipeline().read([stretch([crane("good"), {**numbered(4), attribute: text}])], {})
    assert list(batch.refusals) == [1]
    refusal = batch.refusals[1]
    assert (refusal.reason, refusal.event_id, refusal.sequence) == (Reason.INVALID_DATA, "boot-1-4", 4)


def test_times_of_a_batch_stay_with_their_events() -> None:
    """A refused record between two events shifts nothing."""
    batch = pipeline().read([stretch([crane("a", ago_s=1.0), b"x", crane("b", ago_s=2.0), crane("c", time="no")])], {})
    ahead = (batch.times_us - batch.appended_us).tolist()
    assert (ahead[0], ahead[2]) == (-1_000_000, -2_000_000)


def test_forced_refusal_takes_the_record_it_names() -> None:
    forced = {(OTHER_CRANES, 1): Refusal(Reason.STORAGE_REFUSED, "no room")}
    stretches = [stretch([crane("a"), crane("b")]), stretch([crane("c"), numbered(2)], tp=OTHER_CRANES)]
    batch = pipeline().read(stretches, forced)
    assert list(batch.refusals) == [3]
    refusal = batch.refusals[3]
    assert (refusal.reason, refusal.detail, refusal.source) == (Reason.STORAGE_REFUSED, "no room", SOURCE)
    assert (refusal.event_id, refusal.bootid, refusal.sequence) == ("boot-1-2", "boot-1", 2)


@pytest.mark.parametrize("document", [b"x", crane("old", ago_s=91 * 86_400.0)])
def test_forced_refusal_does_not_replace_an_earlier_reason(document: Any) -> None:
    forced = {(CRANES, 0): Refusal(Reason.STORAGE_REFUSED, "no room")}
    batch = pipeline().read([stretch([document])], forced)
    assert batch.refusals[0].reason is not Reason.STORAGE_REFUSED


@pytest.mark.parametrize("size", [1_000, 1_001])
def test_record_may_be_exactly_as_large_as_allowed(size: int) -> None:
    record = Sent(0, encoded(crane("e1")).ljust(size, b" "))
    batch = pipeline("crane", Limits(max_record_bytes=1_000)).read([stretch([record])], {})
    assert reason(batch) is (Reason.TOO_LARGE if size > 1_000 else None)
