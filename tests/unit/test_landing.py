"""What becomes of a batch whose transaction fails: tried again, judged again, parted, left to another, or the end."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from connectors.memory import AwayError, Database, RefusedRowError, TooSlowError
from schemas.outcome import Outcome
from streams import retry
from streams.core.domain import Limits
from streams.core.record import Stretch
from streams.lane import Pace
from streams.store import CommitUnknownError
from tests.support.lanes import Bench, Gate, differences, sums, until
from tests.support.records import CRANES, OTHER_CRANES, crane, numbered, stretch


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_S", 0.001)
    monkeypatch.setattr(retry, "LONGEST_S", 0.002)


def numbers(first: int, count: int) -> Stretch:
    return stretch([numbered(n) for n in range(first, first + count)], first=first - 1)


def refuse(*ids: str) -> Any:
    def refuses(_: str, row: Mapping[str, Any]) -> bool:
        return row["event_id"] in ids

    return refuses


async def test_batch_is_tried_again_while_the_database_is_away() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at("begin", *[AwayError()] * 3)
        bench.script.at("streams", AwayError())
        await bench.feed(numbers(1, 4))
    assert sums(bench.database) == [(4, 4, 0, 0)]
    assert bench.recorder.causes == ["AwayError"] * 4
    assert len(bench.recorder.writes) == 1


async def test_failure_just_before_the_end_leaves_nothing_and_is_tried_again() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at("commit", AwayError())
        await bench.feed(stretch([crane("a"), crane("a"), b"x"]))
    assert sums(bench.database) == [(3, 1, 1, 1)]
    assert len(bench.database.dead_letters) == 1


async def test_commit_nobody_answered_that_landed_is_not_repeated() -> None:
    async with Bench(pace=Pace(batch_rows=3, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        bench.script.at("committed", CommitUnknownError())
        await bench.feed(numbers(1, 7))
    assert sums(bench.database) == [(7, 7, 0, 0)]
    assert bench.recorder.causes == ["commit_unknown"]
    assert bench.recorder.fences == []


async def test_commit_nobody_answered_that_did_not_land_is_repeated() -> None:
    async with Bench(pace=Pace(batch_rows=3, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        bench.script.at("commit", CommitUnknownError())
        await bench.feed(numbers(1, 7))
    assert sums(bench.database) == [(7, 7, 0, 0)]
    assert bench.recorder.causes == ["commit_unknown"]


@pytest.mark.parametrize("step", ["commit", "committed"])
async def test_unknown_commit_is_asked_about_until_the_database_is_back(step: Any) -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at(step, CommitUnknownError())
        bench.script.at("positions", *[AwayError()] * 3)
        await bench.feed(stretch([crane("a"), crane("a"), b"x"]))
    assert sums(bench.database) == [(3, 1, 1, 1)]


async def test_landed_batch_is_counted_although_nobody_answered() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at("committed", CommitUnknownError())
        await bench.feed(numbers(1, 4))
    (writes,) = bench.recorder.writes
    assert writes.tally == {(Outcome.ACCEPTED, None): 4}


async def test_pause_that_landed_unanswered_still_holds() -> None:
    async with Bench(limits=Limits(dead_letter_run=3)) as bench:
        await bench.claim(CRANES)
        bench.script.at("committed", CommitUnknownError())
        await bench.feed(stretch([b"x"] * 9))
    assert bench.head(CRANES) == 3
    assert bench.flow.held == [CRANES]
    assert bench.lane.partitions.paused == {CRANES}


async def test_unknown_commit_after_which_another_went_on_is_left_to_it() -> None:
    database = Database()
    async with Bench(database, "a") as first, Bench(database, "b") as second:
        await first.claim(CRANES)

        async def taken_over() -> None:
            await second.claim(CRANES)
            await second.feed(numbers(1, 6))
            raise CommitUnknownError

        first.script.at("begin", taken_over)
        await first.feed(numbers(1, 4))
    assert sums(database) == [(6, 6, 0, 0)]
    assert first.recorder.fences == [CRANES]
    assert first.flow.held == [CRANES]


async def test_fenced_partition_is_let_go_and_the_others_go_on() -> None:
    database = Database()
    async with Bench(database, "a") as first:
        await first.claim(CRANES, OTHER_CRANES)
        second = Bench(database, "b")
        first.script.at("begin", lambda: second.claim(CRANES))
        await first.feed(numbers(1, 3), stretch([crane("b")], tp=OTHER_CRANES))
        await first.feed(numbers(4, 1), stretch([crane("c")], tp=OTHER_CRANES, first=1))
    assert first.ids() == ["b", "c"]
    assert first.head(CRANES) == 0
    assert first.recorder.fences == [CRANES]
    assert first.flow.held == [CRANES]


async def test_two_lanes_on_one_partition_store_every_record_once() -> None:
    """A rebalance that one of them has not heard of."""
    database = Database()
    async with Bench(database, "a") as first, Bench(database, "b") as second:
        await first.claim(CRANES)
        await first.feed(numbers(1, 3))
        await second.claim(CRANES)
        await asyncio.gather(first.feed(numbers(4, 5)), second.feed(numbers(4, 5)))
    assert sums(database) == [(8, 8, 0, 0)]
    assert first.recorder.fences == [CRANES]
    assert second.recorder.fences == []


async def test_own_claim_that_moved_is_followed() -> None:
    """The store stands elsewhere under our own epoch: not another owner, so the partition stays ours."""
    async with Bench() as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 2))
        bench.lane.partitions.moved(CRANES, 0)
        await bench.feed(numbers(1, 4))
    assert sums(bench.database) == [(4, 4, 0, 0)]
    assert bench.flow.held == []


async def test_stream_that_comes_through_two_partitions_is_judged_again() -> None:
    database = Database()
    async with Bench(database, "a") as first, Bench(database, "b") as second:
        await first.claim(CRANES)
        await second.claim(OTHER_CRANES)
        await first.feed(numbers(1, 3))
        await second.feed(stretch([numbered(4)], tp=OTHER_CRANES))
        await first.feed(stretch([numbered(4), numbered(5)], first=3))
    (state,) = database.streams.values()
    assert state.intervals == (1, 5)
    assert sums(database) == [(5, 4, 1, 0), (1, 1, 0, 0)]
    assert first.recorder.causes == ["stale_stream"]


async def test_both_lanes_win_when_one_stream_grows_through_two_partitions_at_once() -> None:
    database = Database()
    async with Bench(database, "a") as first, Bench(database, "b") as second:
        await first.claim(CRANES)
        await second.claim(OTHER_CRANES)
        odd = stretch([numbered(n) for n in range(1, 40, 2)])
        even = stretch([numbered(n) for n in range(2, 40, 2)], tp=OTHER_CRANES)
        await asyncio.gather(first.feed(odd), second.feed(even))
    (state,) = database.streams.values()
    assert state.intervals == (1, 39)
    assert not [line for line in database.gaps if not line.is_filled]


@pytest.mark.parametrize("bad", [1, 4, 8])
async def test_row_the_database_refuses_becomes_the_only_dead_letter(bad: int) -> None:
    async with Bench(refuses=refuse(f"boot-1-{bad}")) as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 8))
    assert bench.reasons() == {bad - 1: "storage_refused"}
    assert len(bench.ids()) == 7
    assert sums(bench.database) == [(8, 7, 0, 1)]


async def test_number_of_a_refused_row_stays_a_gap() -> None:
    async with Bench(refuses=refuse("boot-1-3")) as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 5))
    (state,) = bench.database.streams.values()
    assert state.intervals == (1, 2, 4, 5)
    (letter,) = bench.database.dead_letters
    assert (letter.refusal.event_id, letter.refusal.sequence) == ("boot-1-3", 3)


async def test_every_refused_row_is_found_in_every_partition() -> None:
    async with Bench(refuses=refuse("boot-1-2", "boot-1-5", "b")) as bench:
        await bench.claim(CRANES, OTHER_CRANES)
        await bench.feed(numbers(1, 5), stretch([crane("a"), crane("b")], tp=OTHER_CRANES))
    assert len(bench.database.dead_letters) == 3
    assert bench.ids() == ["a", "boot-1-1", "boot-1-3", "boot-1-4"]
    assert list(differences(bench.database)) == []


async def test_refused_record_beside_passed_offsets_becomes_a_dead_letter() -> None:
    async with Bench(refuses=refuse("b"), pace=Pace(batch_rows=2, linger=timedelta(seconds=5))) as bench:
        await bench.claim(CRANES, OTHER_CRANES)
        bench.lane.partitions.sought(CRANES, 0, 0)
        await bench.feed(Stretch(CRANES, 0, (), 3), stretch([crane("b")], tp=OTHER_CRANES))
    assert bench.reasons() == {0: "storage_refused"}
    assert sums(bench.database) == [(3, 0, 0, 3), (1, 0, 0, 1)]


async def test_batches_behind_a_refused_row_land_as_if_nothing_had_been() -> None:
    async with Bench(refuses=refuse("boot-1-2"), pace=Pace(batch_rows=3, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 11))
    assert sums(bench.database) == [(11, 10, 0, 1)]


async def test_batch_built_on_a_refused_number_is_judged_again() -> None:
    """It was prepared on the numbers in flight, one of which was refused: the stream must not keep that one."""
    async with Bench(refuses=refuse("boot-1-2"), pace=Pace(batch_rows=2, linger=timedelta(0))) as bench:
        await bench.claim(CRANES)
        await bench.feed(numbers(1, 4))
    (state,) = bench.database.streams.values()
    assert state.intervals == (1, 1, 3, 4)


async def test_batch_that_takes_too_long_is_committed_in_halves() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at("begin", TooSlowError(), None, TooSlowError())
        await bench.feed(numbers(1, 8))
    assert [sum(step.accepted for step in writes.progress) for writes in bench.recorder.writes] == [4, 2, 2]
    assert bench.database.dead_letters == []


async def test_one_record_that_takes_too_long_is_tried_again() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at("begin", TooSlowError(), TooSlowError(), TooSlowError())
        await bench.feed(numbers(1, 1))
    assert sums(bench.database) == [(1, 1, 0, 0)]
    assert bench.database.dead_letters == []


async def test_dead_letter_that_cannot_be_kept_either_ends_the_process() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.always["commit"] = RefusedRowError("not even that")
        await bench.lane.offer(numbers(1, 3))
        assert isinstance(await bench.crashed(), RefusedRowError)
    assert bench.database.dead_letters == []


async def test_refusal_that_passes_leaves_no_dead_letter() -> None:
    """A record that is taken when it comes alone was not the one."""
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at("commit", RefusedRowError("once"))
        await bench.feed(numbers(1, 8))
    assert sums(bench.database) == [(8, 8, 0, 0)]


async def test_trying_again_ends_when_the_partition_is_revoked() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES, OTHER_CRANES)
        bench.script.always["begin"] = AwayError()
        await bench.lane.offer(numbers(1, 3))
        await bench.lane.offer(stretch([crane("b")], tp=OTHER_CRANES))
        await until(lambda: len(bench.recorder.causes) > 2, "the batch is tried again")
        bench.lane.revoke([CRANES])
        bench.script.always.clear()
        await bench.idle()
    assert bench.ids() == ["b"]


async def test_a_lane_says_what_it_waits_for_until_it_goes_on_or_has_nothing_left_to_store() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES, OTHER_CRANES)
        assert bench.lane.waits_for is None
        for tp in (CRANES, OTHER_CRANES):
            bench.script.always["begin"] = AwayError()
            await bench.lane.offer(stretch([crane("a")], tp=tp))
            await until(lambda: bench.lane.waits_for == "AwayError", "it waits")
            if tp == CRANES:
                bench.lane.revoke([tp])  # all that waited was of this partition
            else:
                bench.script.always.clear()
            await bench.idle()
            assert bench.lane.waits_for is None


@pytest.mark.parametrize("step", ["begin", "commit", "streams"])
async def test_stop_does_not_wait_for_a_database_that_is_away(step: Any) -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.always[step] = AwayError()
        await bench.lane.offer(numbers(1, 3))
        await until(lambda: len(bench.recorder.causes) > 1, "the batch is tried again")
        await asyncio.wait_for(bench.lane.stop(), 5)
    assert bench.head(CRANES) == 0


async def test_stop_does_not_wait_to_be_told_about_an_unknown_commit() -> None:
    async with Bench() as bench:
        await bench.claim(CRANES)
        bench.script.at("commit", CommitUnknownError())
        bench.script.always["positions"] = AwayError()
        await bench.lane.offer(numbers(1, 3))
        await until(lambda: "AwayError" in bench.recorder.causes, "the database is asked")
        await asyncio.wait_for(bench.lane.stop(), 5)
    assert bench.head(CRANES) == 0


async def test_claim_waits_for_the_transaction_in_flight() -> None:
    """So the offset it returns is current, and the next owner repeats nothing."""
    database, gate = Database(), Gate()
    async with Bench(database, "a") as first:
        await first.claim(CRANES)
        first.script.at("commit", gate)
        await first.lane.offer(numbers(1, 3))
        await until(lambda: gate.is_reached, "a transaction is in flight")
        claim = asyncio.create_task(Bench(database, "b").store.claim({CRANES: 0}))
        await asyncio.sleep(0.01)
        assert not claim.done()
        gate.open()
        assert (await claim)[CRANES] == (3, 2)
        await first.idle()
