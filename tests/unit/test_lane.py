"""A lane keeps order: one transaction in flight, the next batch prepared meanwhile, nothing twice, nothing lost."""

import asyncio
from datetime import timedelta

import pytest

from connectors.memory import Database
from streams import retry
from streams.core.domain import Limits
from streams.core.record import Stretch
from streams.lane import Pace
from tests.support.lanes import Bench, Gate, differences, sums, until
from tests.support.records import CRANES, OTHER_CRANES, crane, numbered, sent, stretch


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_S", 0.001)
    monkeypatch.setattr(retry, "LONGEST_S", 0.002)


def numbers(first: int, count: int, *, offset: int | None = None) -> Stretch:
    """Numbered events, sequence = offset + 1 unless told."""
    return stretch([numbered(n) for n in range(first, first + count)], first=first - 1 if offset is None else offset)


async def test_records_become_rows_and_the_fence_moves() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES, OTHER_CRANES)
        await bench.feed(stretch([crane("a"), b"x"]), stretch([crane("b")], tp=OTHER_CRANES))
    assert bench.ids() == ["a", "b"]
    assert (bench.head(CRANES), bench.head(OTHER_CRANES)) == (2, 1)
    assert bench.reasons() == {1: "undecodable"}


async def test_transaction_holds_at_most_a_batch_of_records() -> None:
    async with Bench(pace=Pace(batch_rows=4, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 11))
    assert [sum(step.accepted for step in writes.progress) for writes in bench.recorder.writes] == [4, 4, 3]


async def test_transaction_carries_several_partitions() -> None:
    async with Bench(pace=Pace(batch_rows=4, linger=timedelta(seconds=5))) as bench:
        await bench.claim(CRANES, OTHER_CRANES)
        await bench.feed(stretch([crane("a"), crane("b")]), stretch([crane("c"), crane("d")], tp=OTHER_CRANES))
    assert len(bench.recorder.writes) == 1


async def test_full_batch_does_not_linger() -> None:
    async with Bench(pace=Pace(batch_rows=2, linger=timedelta(hours=1))) as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 2))
    assert bench.head(CRANES) == 2


async def test_next_batch_is_prepared_while_one_is_landing() -> None:
    gate = Gate()
    async with Bench(pace=Pace(batch_rows=3, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        bench.script.at("commit", gate)
        await bench.lane.offer(numbers(1, 3))
        await until(lambda: gate.is_reached, "the first transaction is in flight")
        # Its stream is new to the lane's memory: only preparing it asks the store.
        await bench.lane.offer(stretch([numbered(1, bootid="boot-2")], first=3))
        await until(lambda: bench.script.passed.count("streams") == 2, "the second batch is prepared")
        assert bench.head(CRANES) == 0
        gate.open()
        await bench.idle()
    assert bench.head(CRANES) == 4
    assert bench.script.passed.count("begin") == 2


async def test_batch_prepared_ahead_builds_on_the_numbers_in_flight() -> None:
    gate = Gate()
    async with Bench(pace=Pace(batch_rows=3, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        bench.script.at("commit", gate)
        await bench.lane.offer(numbers(1, 3))
        await until(lambda: gate.is_reached, "the first transaction is in flight")
        await bench.lane.offer(stretch([numbered(3), numbered(4), numbered(5)], first=3))
        gate.open()
        await bench.idle()
    (state,) = bench.database.streams.values()
    assert (state.version, state.intervals) == (2, (1, 5))
    assert sums(bench.database) == [(6, 5, 1, 0)]
    assert bench.recorder.causes == []


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
async def test_result_does_not_depend_on_the_size_of_batches(rows: int) -> None:
    documents = [
        numbered(1),
        numbered(2),
        crane("a"),
        numbered(2),
        b"x",
        crane("a"),
        numbered(9),
        numbered(4),
        crane("b"),
    ]
    async with Bench(pace=Pace(batch_rows=rows, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        await bench.feed(stretch(documents))
    (state,) = bench.database.streams.values()
    assert bench.ids() == ["a", "b", "boot-1-1", "boot-1-2", "boot-1-4", "boot-1-9"]
    assert state.intervals == (1, 2, 4, 4, 9, 9)
    assert sums(bench.database) == [(9, 6, 2, 1)]


async def test_large_batch_is_prepared_beside_the_loop() -> None:
    """More than 500 records are decoded in a thread: the loop goes on meanwhile."""
    async with Bench(pace=Pace(batch_rows=2_000, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 1_500))
    assert bench.head(CRANES) == 1_500
    assert len(bench.ids()) == 1_500


async def test_full_lane_makes_the_agent_wait() -> None:
    gate = Gate()
    async with Bench(pace=Pace(batch_rows=2, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        bench.script.at("commit", gate)
        offers = asyncio.create_task(_offer_one_by_one(bench, 20))
        await until(lambda: gate.is_reached and bench.lane._buffer._records >= 4, "the lane is full")
        taken = bench.lane._buffer._records
        assert not offers.done()
        assert taken <= 4
        gate.open()
        await offers
        await bench.idle()
    assert bench.head(CRANES) == 20


async def _offer_one_by_one(bench: Bench, count: int) -> None:
    for n in range(1, count + 1):
        await bench.lane.offer(numbers(n, 1))


async def test_records_already_stored_are_left_out() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 4))
        await bench.feed(numbers(2, 5))
    assert bench.head(CRANES) == 6
    assert sums(bench.database) == [(6, 6, 0, 0)]


async def test_stretch_beyond_the_head_makes_the_consumer_seek() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(5, 3))
        assert bench.flow.sought == [(CRANES, 0)]
        assert bench.head(CRANES) == 0
        await bench.feed(Stretch(CRANES, bench.flow.serial, numbers(1, 7).records))
    assert bench.head(CRANES) == 7
    assert list(differences(bench.database)) == []


async def test_hole_that_is_still_there_after_a_seek_is_believed() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.flow.log_starts[CRANES] = 4
        await bench.feed(numbers(6, 2, offset=5))
        await bench.feed(Stretch(CRANES, bench.flow.serial, numbers(6, 2, offset=5).records))
    assert [(gap.start, gap.end, gap.kind) for gap in bench.database.lost] == [
        (0, 4, "retention"),
        (4, 5, "not_a_record"),
    ]
    assert sums(bench.database) == [(7, 2, 0, 5)]


async def test_revoked_partition_is_dropped_unwritten() -> None:
    gate = Gate()
    async with Bench(pace=Pace(batch_rows=2, linger=timedelta(0))) as bench:
        await bench.claim(CRANES, OTHER_CRANES)
        bench.script.at("commit", gate)
        await bench.lane.offer(numbers(1, 2))
        await until(lambda: gate.is_reached, "a transaction is in flight")
        await bench.lane.offer(stretch([crane("b")], tp=OTHER_CRANES))
        await bench.lane.offer(numbers(3, 1))
        bench.lane.revoke([OTHER_CRANES])
        gate.open()
        await bench.idle()
    assert bench.ids() == ["boot-1-1", "boot-1-2", "boot-1-3"]
    assert bench.head(OTHER_CRANES) == 0


async def test_batch_in_flight_lands_although_its_partition_is_revoked() -> None:
    """Nobody else has claimed it yet: what was committed counts, and what follows does not."""
    gate = Gate()
    async with Bench(pace=Pace(batch_rows=2, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        bench.script.at("commit", gate)
        await bench.lane.offer(numbers(1, 4))
        await until(lambda: gate.is_reached, "a transaction is in flight")
        bench.lane.revoke([CRANES])
        gate.open()
        await bench.idle()
    assert bench.head(CRANES) == 2


async def test_partition_claimed_again_goes_on_where_the_store_stands() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 3))
        bench.lane.revoke([CRANES])
        await bench.feed(numbers(4, 2))
        await bench.claim(CRANES)
        await bench.feed(numbers(4, 2))
    assert sums(bench.database) == [(5, 5, 0, 0)]


async def test_revoke_while_the_consumer_seeks_is_survived() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES, OTHER_CRANES)
        seek = bench.flow.reseek

        async def revoke_and_seek(*place: object) -> int:
            bench.lane.revoke([CRANES, OTHER_CRANES])
            return await seek(*place)  # type: ignore[arg-type]

        bench.flow.reseek = revoke_and_seek  # type: ignore[method-assign, assignment]
        await bench.feed(numbers(5, 3), stretch([crane("b")], tp=OTHER_CRANES))
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 2))
    assert bench.ids() == ["boot-1-1", "boot-1-2"]


async def test_stop_lets_the_transaction_in_flight_end_and_starts_no_other() -> None:
    gate = Gate()
    async with Bench(pace=Pace(batch_rows=2, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        bench.script.at("commit", gate)
        await bench.lane.offer(numbers(1, 6))
        await until(lambda: gate.is_reached, "a transaction is in flight")
        stopping = asyncio.create_task(bench.lane.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        gate.open()
        await stopping
        await asyncio.sleep(0.01)
    assert bench.head(CRANES) == 2


async def test_stopped_lane_can_be_followed_by_another() -> None:
    database = Database()
    async with Bench(database, "a") as first:
        await first.claim(CRANES)
        await first.feed(numbers(1, 3))
        await first.lane.stop()
    async with Bench(database, "b") as second:
        await second.claim(CRANES)
        await second.feed(numbers(2, 4))
    assert sums(database) == [(5, 5, 0, 0)]


LIMITS = Limits(dead_letter_run=5)


async def test_too_many_dead_letters_pause_their_partition_alone() -> None:
    async with Bench(limits=LIMITS) as bench:
        await bench.claim(CRANES, OTHER_CRANES)
        await bench.feed(stretch([b"x"] * 9), stretch([crane("b")], tp=OTHER_CRANES))
        await bench.feed(stretch([b"x"] * 3, first=9), stretch([crane("c")], tp=OTHER_CRANES, first=1))
    assert (bench.head(CRANES), bench.head(OTHER_CRANES)) == (5, 2)
    assert bench.flow.held == [CRANES]
    assert bench.database.paused() == {CRANES}
    assert bench.lane.partitions.paused == {CRANES}


async def test_bound_is_exact_over_batches_that_overlap() -> None:
    async with Bench(limits=LIMITS, pace=Pace(batch_rows=2, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        await bench.feed(stretch([crane("a"), b"x", b"x", b"x", b"x", crane("b"), *[b"x"] * 9]))
    assert bench.head(CRANES) == 11


async def test_resumed_partition_goes_on_where_it_stopped() -> None:
    async with Bench(limits=LIMITS) as bench:
        await bench.claim(CRANES)
        await bench.feed(stretch([b"x"] * 7))
        bench.database.lift(CRANES)
        await bench.lane.resume(CRANES)
        assert bench.flow.released == [CRANES]
        assert bench.flow.sought == [(CRANES, 5)]
        await bench.feed(Stretch(CRANES, bench.flow.serial, stretch([b"x", b"x", crane("a")], first=5).records))
    assert bench.head(CRANES) == 8
    assert bench.ids() == ["a"]


async def test_partition_paused_before_stays_on_hold_when_claimed() -> None:
    database = Database()
    async with Bench(database, limits=LIMITS) as first:
        await first.claim(CRANES)
        await first.feed(stretch([b"x"] * 7))
    async with Bench(database, "b", limits=LIMITS) as second:
        await second.claim(CRANES)
        await second.feed(stretch([crane("a"), crane("b")], first=5))
        assert second.flow.held == [CRANES]
    assert second.ids() == []


async def test_resume_of_a_partition_that_was_revoked_meanwhile_is_survived() -> None:
    async with Bench(limits=LIMITS) as bench:
        await bench.claim(CRANES)
        await bench.feed(stretch([b"x"] * 7))
        bench.lane.revoke([CRANES])
        await bench.lane.resume(CRANES)
    assert bench.flow.sought == []


async def test_error_nobody_foresaw_ends_the_process() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at("begin", ValueError("a bug"))
        await bench.lane.offer(numbers(1, 1))
        assert repr(await bench.crashed()) == "ValueError('a bug')"
    assert bench.head(CRANES) == 0


async def test_error_in_preparation_ends_the_process_too() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at("streams", ValueError("a bug"))
        await bench.lane.offer(numbers(1, 1))
        assert repr(await bench.crashed()) == "ValueError('a bug')"


async def test_hole_inside_a_stretch_is_missing() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        await bench.feed(stretch([sent(0, crane("a")), sent(3, crane("b"))]))
    assert sums(bench.database) == [(4, 2, 0, 2)]


async def test_offsets_without_a_record_are_passed_once_they_were_sought() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 2))
        bench.flow.log_starts[CRANES] = 4
        await bench.lane.pass_over(CRANES, 6, bench.flow.serial)
        assert (bench.flow.sought, bench.head(CRANES)) == ([(CRANES, 2)], 2)
        await bench.lane.pass_over(CRANES, 6, bench.flow.serial)
        await bench.idle()
    assert sums(bench.database) == [(6, 2, 0, 4)]
    assert [(gap.start, gap.end, gap.kind) for gap in bench.database.lost] == [
        (2, 4, "retention"),
        (4, 6, "not_a_record"),
    ]


async def test_records_that_come_after_passed_offsets_follow_them() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.lane.partitions.sought(CRANES, 0, 0)
        await bench.feed(Stretch(CRANES, 0, (), 3), stretch([crane("a")], first=3))
    assert sums(bench.database) == [(4, 1, 0, 3)]


async def test_record_below_passed_offsets_is_not_skipped() -> None:
    """What was fetched in order is taken in order, whatever is said to be empty behind it."""
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.lane.partitions.sought(CRANES, 0, 0)
        await bench.feed(stretch([crane("a"), crane("b")]), Stretch(CRANES, 0, (), 5))
    assert bench.ids() == ["a", "b"]


@pytest.mark.parametrize("end", [0, 1, 2])
async def test_nothing_is_passed_that_is_stored_already(end: int) -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 2))
        await bench.lane.pass_over(CRANES, end, bench.flow.serial)
        await bench.idle()
    assert bench.flow.sought == []
    assert bench.database.lost == []


async def test_nothing_is_passed_of_a_paused_or_foreign_partition() -> None:
    async with Bench(limits=LIMITS) as bench:
        await bench.claim(CRANES)
        await bench.feed(stretch([b"x"] * 5))
        for tp in (CRANES, OTHER_CRANES):
            await bench.lane.pass_over(tp, 9, bench.flow.serial)
        await bench.idle()
    assert bench.flow.sought == []
    assert bench.head(CRANES) == 5
