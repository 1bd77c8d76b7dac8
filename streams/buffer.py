"""What a lane has been given and not yet taken: stretches of many partitions, bounded in records."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace

from schemas.backfill import is_backfill
from streams.core.record import Stretch, TopicPartition

LIMIT_BYTES = 64 * 1024 * 1024
# A batch of usual events is half of this; reports of hundreds of values make as many rows in far fewer records.
BATCH_BYTES = 8 * 1024 * 1024


class Buffer:
    """First in, first out. `put` waits while `limit` records or `limit_bytes` are held: partitions pause upstream."""

    def __init__(self, limit: int, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._held: deque[tuple[Stretch, int]] = deque()  # with their bytes, so that they are counted once
        self._records = 0
        self._bytes = 0
        self._pieces = 0
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        """Records held; a stretch without records counts as one."""
        return self._records

    async def put(self, stretch: Stretch) -> None:
        """Add a stretch; waits for room."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._records < self._limit and self._bytes < self._limit_bytes)
            held = _bytes(stretch)
            self._held.append((stretch, held))
            self._records += _size(stretch)
            self._bytes += held
            self._pieces += is_backfill(stretch.tp.topic)
            self._changed.notify_all()

    async def wait_for_records(self, least: int, least_bytes: int = LIMIT_BYTES) -> None:
        """Wait until at least `least` records, or `least_bytes` of values, are held."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._records >= least or self._bytes >= least_bytes)

    async def wait_for_no_history(self) -> None:
        """Wait until no stretch of a back-fill topic is held."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._pieces)

    async def take(self, most: int, most_bytes: int = BATCH_BYTES) -> list[Stretch]:
        """Up to `most` records and `most_bytes` of values, oldest stretches first; one that does not fit is parted.

        At least one record, however large. Live records or history, never both: what is folded again spans what came
        together.
        """
        async with self._changed:
            taken: list[Stretch] = []
            while self._held and most > 0 and (most_bytes > 0 or not taken) and _are_alike(taken, self._held[0][0]):
                stretch, held = self._held.popleft()
                self._pieces -= is_backfill(stretch.tp.topic)
                fits = min(most, len(stretch.records))
                if held > most_bytes:
                    fits = min(fits, _fitting(stretch, most_bytes, 0 if taken else 1))
                if fits < len(stretch.records):
                    rest = replace(stretch, records=stretch.records[fits:])
                    stretch = replace(stretch, records=stretch.records[:fits])
                    self._held.appendleft((rest, held - (held := _bytes(stretch))))
                    self._pieces += is_backfill(stretch.tp.topic)
                    if not fits:
                        break
                taken.append(stretch)
                most -= _size(stretch)
                most_bytes -= held
                self._records -= _size(stretch)
                self._bytes -= held
            self._changed.notify_all()
            return taken

    async def drop(self, partitions: Collection[TopicPartition]) -> None:
        """Forget what is held of these partitions."""
        async with self._changed:
            self._held = deque((s, held) for s, held in self._held if s.tp not in partitions)
            self._records = sum(_size(stretch) for stretch, _ in self._held)
            self._bytes = sum(held for _, held in self._held)
            self._pieces = sum(is_backfill(stretch.tp.topic) for stretch, _ in self._held)
            self._changed.notify_all()


def _are_alike(taken: Sequence[Stretch], stretch: Stretch) -> bool:
    return not taken or is_backfill(taken[0].tp.topic) == is_backfill(stretch.tp.topic)


def _fitting(stretch: Stretch, most_bytes: int, least: int) -> int:
    """How many of its first records have at most `most_bytes` together, but `least`."""
    fits = 0
    for record in stretch.records:
        most_bytes -= len(record.value or b"")
        if most_bytes < 0:
            break
        fits += 1
    return max(fits, least)


def _size(stretch: Stretch) -> int:
    return max(1, len(stretch.records))


def _bytes(stretch: Stretch) -> int:
    return sum(map(len, [record.value or b"" for record in stretch.records]))
