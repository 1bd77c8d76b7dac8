"""What a lane has been given and not yet taken: stretches of many partitions, bounded in records."""

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import replace

from streams.core.record import Stretch, TopicPartition


class Buffer:
    """First in, first out. `put` waits while `limit` records are held, which pauses the partitions upstream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._stretches: deque[Stretch] = deque()
        self._records = 0
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        """Records held."""
        return self._records

    async def put(self, stretch: Stretch) -> None:
        """Add a stretch; waits for room."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._records < self._limit)
            self._stretches.append(stretch)
            self._records += len(stretch.records)
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
                most -= len(stretch.records)
            self._records -= sum(len(stretch.records) for stretch in taken)
            self._changed.notify_all()
            return taken

    async def drop(self, partitions: Collection[TopicPartition]) -> None:
        """Forget what is held of these partitions."""
        async with self._changed:
            self._stretches = deque(s for s in self._stretches if s.tp not in partitions)
            self._records = sum(len(stretch.records) for stretch in self._stretches)
            self._changed.notify_all()
