"""What a lane asks of a store, and the ways a commit can end other than well.

Pure: a protocol and three errors. The real store is connectors/timescale/store.py; connectors/memory
passes the same tests (tests/contract/test_stores.py).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from schemas.errors import Fault
from streams.core.record import TopicPartition
from streams.core.sequence import StreamKey, StreamState
from streams.core.writes import Writes
from streams.pipeline import Plan


class Position(NamedTuple):
    """Where a partition stands in the store: the next record's offset, and the epoch of its last claim."""

    next_offset: int
    epoch: int


class FencedError(Exception):
    """Another worker moved these partitions; nothing was written."""

    def __init__(self, partitions: Collection[TopicPartition]) -> None:
        super().__init__(f"fenced on {sorted(partitions)}")
        self.partitions = frozenset(partitions)


class StaleStreamsError(Exception):
    """A numbered stream was changed by another transaction since its state was read; nothing was written."""


class CommitUnknownError(Exception):
    """The connection broke while COMMIT was under way: the positions will tell."""


class Store(Protocol):
    """The fenced store."""

    async def claim(self, starts: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Position]:
        """Take partitions over; one never seen begins at `starts`. Waits for a transaction still in flight on them."""

    async def positions(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, Position]:
        """Where partitions stand, without claiming."""

    async def paused(self, partitions: Iterable[TopicPartition]) -> Collection[TopicPartition]:
        """Which of them the dead-letter bound holds and nobody has resumed."""

    async def streams(self, keys: Collection[StreamKey]) -> Mapping[StreamKey, StreamState]:
        """The stored states of numbered streams; the empty state for a new one."""

    async def add_minutes(self) -> int | None:
        """Add up some of the minutes that were put aside; how many deltas, or None when another worker is at it."""

    async def roll_hours(self) -> int | None:
        """Add up the hours whose minutes have changed; how many, or None when another worker is at it."""

    def prepare(self, writes: Writes) -> Any:
        """What of a commit can be made ready beforehand, in any thread."""

    async def commit(self, plan: Plan, prepared: Any) -> Writes:
        """All of a plan or nothing; `prepared` is None when the plan has probes. Returns what was written.

        Raises the errors above, or one that `fault_of` tells apart.
        """

    def fault_of(self, error: Exception) -> Fault:
        """`retry`: it ends by itself. `halve`: a smaller batch may pass. `refused`: find the row. `crash`: a bug."""

    def cause_of(self, error: Exception) -> str:
        """A bounded word for the retry counter."""
