"""The buffer of a lane: first in, first out, bounded in records."""

import asyncio

import pytest

from streams.buffer import Buffer
from streams.core.record import Stretch, TopicPartition
from tests.support.records import CRANES, OTHER_CRANES, crane, sent


def of(first: int, count: int, tp: TopicPartition = CRANES) -> Stretch:
    return Stretch(tp, 3, [sent(offset, crane(f"e{offset}")) for offset in range(first, first + count)])


async def filled(*stretches: Stretch, limit: int = 1_000, limit_bytes: int = 10**6) -> Buffer:
    buffer = Buffer(limit, limit_bytes)
    for stretch in stretches:
        await buffer.put(stretch)
    return buffer


def offsets(stretches: list[Stretch]) -> list[list[int]]:
    return [[record.offset for record in stretch.records] for stretch in stretches]


async def is_waiting(task: asyncio.Task[None]) -> bool:
    """Whether a task is still not done after everybody had a turn."""
    for _ in range(10):
        await asyncio.sleep(0)
    return not task.done()


async def test_oldest_stretches_come_first() -> None:
    buffer = await filled(of(0, 2), of(2, 1), of(0, 1, OTHER_CRANES))
    assert offsets(await buffer.take(100)) == [[0, 1], [2], [0]]
    assert len(buffer) == 0


@pytest.mark.parametrize(
    ("most", "taken"), [(1, [[0]]), (3, [[0, 1, 2]]), (4, [[0, 1, 2], [3]]), (6, [[0, 1, 2], [3, 4]])]
)
async def test_stretch_that_does_not_fit_is_parted(most: int, taken: list[list[int]]) -> None:
    buffer = await filled(of(0, 3), of(3, 2))
    assert offsets(await buffer.take(most)) == taken
    rest = [offset for stretch in offsets(await buffer.take(100)) for offset in stretch]
    assert [offset for stretch in taken for offset in stretch] + rest == [0, 1, 2, 3, 4]


async def test_batch_is_bounded_in_bytes_but_never_empty() -> None:
    buffer = await filled(of(0, 3), of(3, 2))
    size = len(of(0, 1).records[0].value or b"")
    assert offsets(await buffer.take(100, 2 * size + 1)) == [[0, 1]]
    assert offsets(await buffer.take(100, 1)) == [[2]]
    assert offsets(await buffer.take(100, 2 * size)) == [[3, 4]]
    assert len(buffer) == 0


async def test_stretch_that_does_not_fit_at_all_stays_whole() -> None:
    buffer = await filled(of(0, 1), of(1, 2))
    size = len(of(0, 1).records[0].value or b"")
    assert offsets(await buffer.take(100, size + 1)) == [[0]]
    assert offsets(await buffer.take(100)) == [[1, 2]]


async def test_many_bytes_are_worth_a_batch_as_many_records_are() -> None:
    buffer = await filled(of(0, 2))
    await asyncio.wait_for(buffer.wait_for_records(100, 10), 1)


async def test_parted_stretch_keeps_its_partition_and_serial() -> None:
    buffer = await filled(of(0, 3, OTHER_CRANES))
    (first,), (second,) = await buffer.take(2), await buffer.take(2)
    assert {(part.tp, part.serial) for part in (first, second)} == {(OTHER_CRANES, 3)}


async def test_put_waits_while_the_buffer_is_full() -> None:
    buffer = await filled(of(0, 3), limit=3)
    put = asyncio.create_task(buffer.put(of(3, 1)))
    assert await is_waiting(put)
    await buffer.take(1)
    await put
    assert len(buffer) == 3


async def test_one_stretch_may_be_larger_than_the_room_left() -> None:
    """Else a stretch larger than the limit would wait for ever."""
    assert len(await filled(of(0, 2), of(2, 50), limit=3)) == 52


async def test_waiting_for_records_ends_when_there_are_enough() -> None:
    buffer = await filled(of(0, 2))
    waiting = asyncio.create_task(buffer.wait_for_records(3))
    assert await is_waiting(waiting)
    await buffer.put(of(2, 1))
    await waiting
    assert len(buffer) == 3


async def test_waiting_can_be_given_up() -> None:
    buffer = await filled(of(0, 2))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await buffer.wait_for_records(3)
    assert offsets(await buffer.take(9)) == [[0, 1]]


async def test_dropped_partition_makes_room() -> None:
    buffer = await filled(of(0, 3), of(0, 2, OTHER_CRANES), limit=5)
    put = asyncio.create_task(buffer.put(of(2, 1, OTHER_CRANES)))
    assert await is_waiting(put)
    await buffer.drop([CRANES])
    await put
    assert {stretch.tp for stretch in await buffer.take(9)} == {OTHER_CRANES}


async def test_nothing_is_taken_of_an_empty_buffer() -> None:
    assert await Buffer(3).take(9) == []


async def test_put_waits_while_the_buffer_holds_too_many_bytes() -> None:
    size = len(of(0, 1).records[0].value or b"")
    buffer = await filled(of(0, 2), limit_bytes=2 * size)
    put = asyncio.create_task(buffer.put(of(2, 1)))
    assert await is_waiting(put)
    await buffer.take(1)
    await put
    assert len(buffer) == 2


async def test_stretch_without_records_is_taken_too() -> None:
    buffer = await filled(Stretch(CRANES, 0, (), 7), of(7, 1))
    assert len(buffer) == 2
    assert [(stretch.first, stretch.end) for stretch in await buffer.take(9)] == [(7, 7), (7, 8)]
    assert len(buffer) == 0
