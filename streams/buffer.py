"""What a lane has been given and not yet taken: stretches of many partitions, bounded in records."""

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import replace

from streams.core.record import Stretch, TopicPartition

LIMIT_BYTES = 64 * 1024 * 1024


class Buffer:
    """First in, first out. `put` waits while `limit` records or `limit_bytes` are held: partitions pause upstream."""

    def __init__(self, limit: int, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._stretches: deque[Stretch] = deque()
        self._records = 0
        self._bytes = 0
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        """Records held; a stretch without records counts as one."""
        return self._records

    async def put(self, stretch: Stretch) -> None:
        """Add a stretch; waits for room."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._records < self._limit and self._bytes < self._limit_bytes)
            self._stretches.append(stretch)
            self._records += _size(stretch)
            self._bytes += _bytes(stretch)
            self._changed.notify_all()

    async def wait_for_records(self, least: int) -> None:
        """Wait until at least `least` records are held."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._records >= least)

    async def take(self, most: int) -> list[Stretch]:
        """Up to `most` records, oldest stretches first; a stretch that does not fit is parted."""
        async with self._changed:
            taken: list[Stretch] = []
            while self._stretches and most > 0:
                stretch = self._stretches.popleft()
                if len(stretch.records) > most:
                    self._stretches.appendleft(replace(stretch, records=stretch.records[most:]))
                    stretch = replace(stretch, records=stretch.records[:most])
                taken.append(stretch)
                most -= _size(stretch)
            self._records -= sum(map(_size, taken))
            self._bytes -= sum(map(_bytes, taken))
            self._changed.notify_all()
            return taken

    async def drop(self, partitions: Collection[TopicPartition]) -> None:
        """Forget what is held of these partitions."""
        async with self._changed:
            self._stretches = deque(s for s in self._stretches if s.tp not in partitions)
            self._records = sum(map(_size, self._stretches))
            self._bytes = sum(map(_bytes, self._stretches))
            self._changed.notify_all()


def _size(stretch: Stretch) -> int:
    return max(1, len(stretch.records))


def _bytes(stretch: Stretch) -> int:
    return sum(len(record.value or b"") for record in stretch.records)
