"""A broker's log in memory, and a consumer of it as a lane sees one: positions, seeks, holds, and fetches under way."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from streams.core.record import Stretch, TopicPartition
from tests.support.records import Sent


@dataclass
class Log:
    """One partition. Offsets without a record are transaction markers, or what retention removed."""

    records: dict[int, Sent] = field(default_factory=dict)
    start: int = 0
    end: int = 0

    def append(self, value: bytes | None) -> int:
        """Add a record; its offset."""
        self.records[self.end] = Sent(self.end, value)
        self.end += 1
        return self.end - 1

    def mark(self) -> None:
        """A transaction ends: one offset that is no record."""
        self.end += 1

    def retain_from(self, offset: int) -> None:
        """Remove what is older."""
        self.start = max(self.start, min(offset, self.end))
        self.records = {o: record for o, record in self.records.items() if o >= self.start}

    def read(self, position: int, most: int) -> tuple[list[Sent], int]:
        """Up to `most` records from `position`, and the position after them; markers are passed without a record."""
        found = [self.records[o] for o in range(max(position, self.start), self.end) if o in self.records][:most]
        if len(found) == most:
            return found, found[-1].offset + 1
        return found, max(position, self.end)


Logs = dict[TopicPartition, Log]


class LogConsumer:
    """Reads logs into a queue that an agent empties into its lane, as the transport does; also a lane's flow."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self.positions: dict[TopicPartition, int] = {}
        self.read: dict[TopicPartition, int] = {}
        self.held: set[TopicPartition] = set()
        self.serial = 0
        self.fetched: deque[Stretch] = deque()

    def assign(self, tp: TopicPartition, offset: int) -> None:
        """Continue a partition from `offset`."""
        self.positions[tp] = self.read[tp] = offset
        self.held.discard(tp)
        self.serial += 1

    def revoke(self, tp: TopicPartition) -> None:
        """Read no more of it; what was fetched stays on its way."""
        self.positions.pop(tp, None)
        self.read.pop(tp, None)
        self.held.discard(tp)

    def fetch(self, tp: TopicPartition, most: int) -> None:
        """Fetch up to `most` records into the queue."""
        if tp not in self.positions or tp in self.held:
            return
        found, self.positions[tp] = self._logs[tp].read(self.positions[tp], most)
        if found:
            self.read[tp] = found[-1].offset + 1
            self.fetched.append(Stretch(tp, self.serial, found))

    def is_empty_beyond(self, tp: TopicPartition, stored: int) -> bool:
        """Whether everything fetched is stored and the consumer has since passed offsets without a record."""
        return not self.fetched and self.read.get(tp) == stored < self.positions.get(tp, 0)

    # -- what a lane asks -------------------------------------------------------------------------

    async def reseek(self, tp: TopicPartition, offset: int) -> int:
        await asyncio.sleep(0)
        if tp in self.positions:
            self.positions[tp] = self.read[tp] = offset
        self.serial += 1
        return self.serial

    async def log_start(self, tp: TopicPartition) -> int:
        await asyncio.sleep(0)
        return self._logs[tp].start

    def hold(self, tp: TopicPartition) -> None:
        self.held.add(tp)

    def release(self, tp: TopicPartition) -> None:
        self.held.discard(tp)
