"""Every record has exactly one outcome, whatever the batches; a replay changes nothing; order does not matter to sums."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.memory import Database, MemoryStore
from connectors.memory.additive import Key, Row
from schemas.outcome import Outcome
from streams.core.record import Stretch
from streams.core.writes import Writes
from streams.pipeline import Fence
from tests.support.judging import pipeline, planned, written
from tests.support.records import CRANES, OTHER_CRANES, Sent, stretch
from tests.support.soup import GOOD_SOUP, SOUP, Ingredient, Oracle

PIPELINE = pipeline()


def stretches_of(items: Sequence[Ingredient], ways: Sequence[bool], first: int = 0) -> list[Stretch]:
    """The items as records of two partitions, in this order within each."""
    lanes = {CRANES: [i for i, w in zip(items, ways, strict=False) if w], OTHER_CRANES: []}
    lanes[OTHER_CRANES] = [i for i, w in zip(items, ways, strict=False) if not w]
    return [
        stretch([Sent(first + n, item.value()) for n, item in enumerate(found)], tp=tp)
        for tp, found in lanes.items()
        if found
    ]


def one_stretch(items: Sequence[Ingredient], first: int = 0) -> list[Stretch]:
    return [stretch([Sent(first + n, item.value()) for n, item in enumerate(items)])]


async def commit(store: MemoryStore, stretches: Sequence[Stretch], fences: dict[Any, Fence]) -> Writes:
    states = await store.streams(PIPELINE.streams(PIPELINE.read(stretches, {})))
    plan = planned(stretches, by=PIPELINE, states=states, fences=fences)
    return await store.commit(plan, None)


def stored_in_batches(batches: Sequence[Sequence[Ingredient]]) -> tuple[Database, list[Writes]]:
    """What a database holds after these batches, one transaction each."""

    async def run() -> tuple[Database, list[Writes]]:
        database, offset, done = Database(), 0, []
        store = MemoryStore(database, "a")
        await store.claim({CRANES: 0})
        for batch in batches:
            done.append(await commit(store, one_stretch(batch, offset), {CRANES: Fence(offset, 1)}))
            offset += len(batch)
        return database, done

    return asyncio.run(run())


def content(database: Database) -> tuple[list[Any], dict[str, dict[Key, Row]], Any]:
    """Rows (without the offset each was found at), rollups and streams."""
    rows = sorted(
        repr({name: value for name, value in row.items() if name != "record_offset"})
        for found in database.rows.values()
        for row in found
    )
    streams = {key: (state.intervals, state.pruned_below) for key, state in database.streams.items()}
    return rows, database.rollups, streams


@given(items=SOUP, ways=st.lists(st.booleans(), min_size=14, max_size=14))
def test_every_record_of_a_batch_has_exactly_one_outcome(items: list[Ingredient], ways: list[bool]) -> None:
    stretches = stretches_of(items, ways)
    writes = written(stretches, by=PIPELINE)
    assert sum(writes.tally.values()) == len(items)
    for step, records in zip(writes.progress, [s.records for s in stretches], strict=True):
        assert step.accepted + step.duplicate + step.rejected == len(records)
        assert step.next_offset - step.expected == len(records)
        assert step.missing == 0


@given(items=SOUP, ways=st.lists(st.booleans(), min_size=14, max_size=14))
def test_rows_and_dead_letters_are_what_was_counted(items: list[Ingredient], ways: list[bool]) -> None:
    writes = written(stretches_of(items, ways), by=PIPELINE)
    rows = [(r["partition"], r["record_offset"]) for batch in writes.rows.values() for r in batch.to_pylist()]
    letters = [(letter.tp.partition, letter.record.offset) for letter in writes.dead_letters]
    assert len(set(rows)) == len(rows) == writes.tally[Outcome.ACCEPTED, None] == len(writes.accepted_us)
    assert len(set(letters)) == len(letters) == sum(step.rejected for step in writes.progress)
    assert not set(rows) & set(letters)
    assert sum(accepted for accepted, _ in writes.sources.values()) == len(rows)


@given(items=SOUP)
def test_outcomes_are_those_of_judging_one_at_a_time(items: list[Ingredient]) -> None:
    assert written(one_stretch(items), by=PIPELINE).tally == Oracle().tally(items)


@given(batches=st.lists(SOUP, min_size=1, max_size=5))
def test_outcomes_do_not_depend_on_the_batches(batches: list[list[Ingredient]]) -> None:
    oracle = Oracle()
    _, done = stored_in_batches(batches)
    assert [writes.tally for writes in done] == [oracle.tally(batch) for batch in batches]


@given(items=SOUP)
def test_replay_stores_nothing_new(items: list[Ingredient]) -> None:
    once, (first,) = stored_in_batches([items])
    twice, (_, again) = stored_in_batches([items, items])
    assert content(twice) == content(once)
    assert again.tally[Outcome.ACCEPTED, None] == 0
    assert (
        again.tally[Outcome.DUPLICATE, None]
        == first.tally[Outcome.ACCEPTED, None] + first.tally[Outcome.DUPLICATE, None]
    )


@given(items=GOOD_SOUP, order=st.randoms(use_true_random=False))
def test_order_within_a_batch_does_not_matter_to_what_is_stored(items: list[Ingredient], order: random.Random) -> None:
    shuffled = list(items)
    order.shuffle(shuffled)
    assert content(stored_in_batches([shuffled])[0]) == content(stored_in_batches([items])[0])


@given(batches=st.lists(GOOD_SOUP, min_size=1, max_size=5))
def test_one_batch_stores_what_many_do(batches: list[list[Ingredient]]) -> None:
    whole = [item for batch in batches for item in batch]
    many, one = stored_in_batches(batches)[0], stored_in_batches([whole])[0]
    assert content(many) == content(one)


@given(items=SOUP)
def test_writing_a_plan_twice_gives_the_same(items: list[Ingredient]) -> None:
    """A transaction that is tried again asks for its Writes again."""
    plan = planned(one_stretch(items), by=PIPELINE)
    first, second = plan.writes(()), plan.writes(())
    assert first.tally == second.tally
    assert first.progress == second.progress
    assert first.dead_letters == second.dead_letters
    assert first.rows == second.rows
    assert first.rollups == second.rollups


@given(items=SOUP, gaps=st.lists(st.integers(0, 3), min_size=14, max_size=14), log_start=st.integers(0, 20))
def test_offsets_that_are_not_there_are_missing(items: list[Ingredient], gaps: list[int], log_start: int) -> None:
    offset, records = 0, []
    for item, gap in zip(items, gaps, strict=False):
        offset += gap
        records.append(Sent(offset, item.value()))
        offset += 1
    writes = written([stretch(records)], by=PIPELINE, fences={CRANES: Fence(0, 1, log_start)})
    (step,) = writes.progress
    assert step.accepted + step.duplicate + step.rejected + step.missing == step.next_offset - step.expected
    covered = Counter(offset for gap in writes.lost for offset in range(gap.start, gap.end))
    assert covered == Counter(set(range(step.next_offset)) - {record.offset for record in records})
    assert all(
        gap.kind == ("retention" if gap.end <= log_start and gap.start == 0 else "not_a_record") for gap in writes.lost
    )
