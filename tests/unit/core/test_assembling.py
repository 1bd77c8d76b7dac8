"""What is said of a batch beside its rows: assets, sources, skew, keys, unknown parts, lost offsets."""

import pytest

from schemas.examples import APPENDED_AT
from schemas.outcome import Outcome, Reason
from streams.core.assemble import lost_ranges
from streams.core.record import TopicPartition
from streams.core.writes import LostRange
from streams.pipeline import Fence
from tests.support.judging import pipeline, written
from tests.support.records import CRANE, CRANES, OTHER_CRANES, SOURCE, Sent, crane, encoded, numbered, sent, stretch

OTHER_SOURCE = "/vnhph/tanvu/gw-02"


def test_assets_come_with_their_sites() -> None:
    writes = written([stretch([crane("a"), crane("b", subject="VNSGN-CATLAI-RTG_7"), crane("c")])])
    assert writes.assets == {(CRANE, "VNHPH-TANVU"), ("VNSGN-CATLAI-RTG_7", "VNSGN-CATLAI")}


def test_refused_and_repeated_events_bring_no_asset() -> None:
    writes = written([stretch([crane("a", subject="VNHPH-TANVU-X1", ago_s=91 * 86_400.0)])])
    assert writes.assets == frozenset()


def test_sources_are_counted_by_outcome() -> None:
    batch = [crane("a"), crane("a"), crane("b", source=OTHER_SOURCE), crane("c", data={}), b"x"]
    assert written([stretch(batch)]).sources == {SOURCE: (1, 1), OTHER_SOURCE: (1, 0)}


def test_skew_is_that_of_the_last_event_of_each_source() -> None:
    batch = [crane("a", ago_s=7.0), crane("b", ago_s=-2.0), crane("c", source=OTHER_SOURCE, ago_s=0.5)]
    assert written([stretch(batch)]).skew_s == {SOURCE: 2.0, OTHER_SOURCE: -0.5}


def test_skew_of_a_gateway_that_is_refused_for_it_is_told() -> None:
    """Else the one gateway whose clock is wrong would be the one nobody sees."""
    writes = written([stretch([crane("a", ago_s=-3_600.0)])])
    assert writes.tally == {(Outcome.REJECTED, Reason.CLOCK_SKEW): 1}
    assert writes.skew_s == {SOURCE: 3_600.0}


def test_key_that_is_not_the_subject_is_counted_by_topic() -> None:
    value = encoded(crane("a"))
    records = [Sent(0, value), Sent(1, value, None), Sent(2, value, b"another"), Sent(3, b"x", None)]
    assert written([stretch(records)]).key_mismatches == {CRANES.topic: 2}


def test_matching_keys_are_not_worth_a_word() -> None:
    assert written([stretch([crane("a")])]).key_mismatches == {}


@pytest.mark.parametrize(
    "document",
    [crane("a", colour="red"), crane("a", data={"load_t": 1.0, "colour": "red"})],
    ids=["attribute", "field"],
)
def test_event_with_something_unknown_is_counted(document: dict[str, object]) -> None:
    assert written([stretch([document, crane("b")])]).unknown_fields == 1


def test_accepted_times_are_those_of_accepted_events() -> None:
    writes = written([stretch([crane("a", ago_s=1.0), crane("a", ago_s=1.0), b"x", crane("b", ago_s=2.0)])])
    appended_us = int(APPENDED_AT.timestamp()) * 1_000_000
    assert (writes.accepted_us - appended_us).tolist() == [-1_000_000, -2_000_000]


def test_dead_letters_are_in_order_and_name_their_partition() -> None:
    writes = written([stretch([b"x", crane("a"), b"y"], first=4), stretch([b"z"], tp=OTHER_CRANES, first=9)])
    places = [(letter.tp, letter.record.offset, letter.record.value) for letter in writes.dead_letters]
    assert places == [(CRANES, 4, b"x"), (CRANES, 6, b"y"), (OTHER_CRANES, 9, b"z")]


def test_progress_is_sorted_by_partition() -> None:
    """Two workers that touch the same partitions must lock them in the same order."""
    tps = [TopicPartition("crane-events", n) for n in (10, 2, 7)]
    writes = written([stretch([crane(f"e{tp.partition}")], tp=tp) for tp in tps])
    assert [step.tp.partition for step in writes.progress] == [2, 7, 10]


def test_progress_carries_the_fence_it_expects() -> None:
    writes = written([stretch([numbered(1), numbered(2)], first=40)], fences={CRANES: Fence(38, 6, log_start=39)})
    (step,) = writes.progress
    assert (step.expected, step.next_offset, step.epoch, step.missing) == (38, 42, 6, 2)


@pytest.mark.parametrize(
    ("expected", "log_start", "offsets", "lost"),
    [
        (5, 0, [5, 6, 7], []),
        (0, 3, [3, 4], [(0, 3, "retention")]),
        (0, 2, [3, 4], [(0, 2, "retention"), (2, 3, "not_a_record")]),
        (2, 0, [3, 4], [(2, 3, "not_a_record")]),
        (0, 9, [3, 4], [(0, 3, "retention")]),
        (3, 0, [3, 5, 6, 9], [(4, 5, "not_a_record"), (7, 9, "not_a_record")]),
        (1, 2, [4, 6], [(1, 2, "retention"), (2, 4, "not_a_record"), (5, 6, "not_a_record")]),
    ],
)
def test_holes_are_retention_below_the_log_s_start_and_no_records_elsewhere(
    expected: int, log_start: int, offsets: list[int], lost: list[tuple[int, int, str]]
) -> None:
    batch = stretch([sent(offset, crane(f"e{offset}")) for offset in offsets])
    assert lost_ranges(batch, expected, log_start) == [LostRange(CRANES, *gap) for gap in lost]  # type: ignore[arg-type]


def test_lost_offsets_at_the_head_and_inside_are_missing() -> None:
    batch = stretch([sent(10, crane("a")), sent(13, crane("b"))])
    writes = written([batch], fences={CRANES: Fence(4, 1, log_start=9)})
    assert writes.progress[0].missing == 8


def test_pipeline_of_a_domain_knows_its_rollups() -> None:
    writes = written([stretch([crane("a")])], by=pipeline("crane"))
    assert set(writes.rollups) == {"port.crane_minute"}
