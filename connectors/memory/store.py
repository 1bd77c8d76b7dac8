"""The fenced store in memory: the same answers and the same refusals as connectors/timescale/store.py.

Both pass tests/contract/test_stores.py. A transaction that fails anywhere leaves nothing behind.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any

from connectors.memory.database import Database
from connectors.memory.trouble import AwayError, RefusedRowError, Step, TooSlowError
from schemas.errors import Fault
from streams.core.record import TopicPartition
from streams.core.sequence import StreamKey, StreamState
from streams.core.writes import Writes
from streams.pipeline import Plan
from streams.store import FencedError, Position, StaleStreamsError

_FAULTS: tuple[tuple[type[Exception], Fault], ...] = (
    (AwayError, "retry"),
    (TooSlowError, "halve"),
    (RefusedRowError, "refused"),
)


async def undisturbed(_: Step) -> None:
    """Every step passes."""


def takes_everything(_table: str, _row: Mapping[str, Any]) -> bool:
    """No row is refused."""
    return False


class MemoryStore:
    """One worker's view of a `database`; `script` is asked at every step, `refuses` about every row."""

    def __init__(
        self,
        database: Database,
        owner: str,
        script: Callable[[Step], Awaitable[None]] = undisturbed,
        refuses: Callable[[str, Mapping[str, Any]], bool] = takes_everything,
    ) -> None:
        self._database = database
        self._owner = owner
        self._script = script
        self._refuses = refuses

    async def claim(self, starts: Mapping[TopicPartition, int]) -> dict[TopicPartition, Position]:
        """Take partitions over; waits for a transaction in flight."""
        await self._script("claim")
        async with self._database.lock:
            return self._database.claim(self._owner, starts)

    async def positions(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Position]:
        """Where partitions stand; waits for a transaction in flight."""
        await self._script("positions")
        async with self._database.lock:
            return self._database.positions(partitions)

    async def paused(self, partitions: Iterable[TopicPartition]) -> set[TopicPartition]:
        """Which of them the dead-letter bound holds and nobody has resumed."""
        wanted = set(partitions)
        await self._script("paused")
        return self._database.paused() & wanted

    async def streams(self, keys: Collection[StreamKey]) -> dict[StreamKey, StreamState]:
        """The stored states of numbered streams; the empty state for a new one."""
        await self._script("streams")
        return {key: self._database.streams.get(key, StreamState()) for key in keys}

    async def add_minutes(self) -> int | None:
        """None are put aside here."""
        return 0

    async def roll_hours(self) -> int | None:
        """Add up the hours whose minutes have changed."""
        async with self._database.lock:
            return self._database.roll_hours()

    def prepare(self, writes: Writes) -> Writes:
        """Nothing to make ready."""
        return writes

    async def commit(self, plan: Plan, prepared: Writes | None) -> Writes:
        """All of a plan or nothing; raises what the script says and what the real store would."""
        await self._script("begin")
        async with self._database.lock:
            writes = plan.writes(self._database.find(plan.probes)) if prepared is None else prepared
            self._check(writes)
            await self._script("commit")
            self._database.apply(writes)
        await self._script("committed")
        return writes

    def fault_of(self, error: Exception) -> Fault:
        """By class; what is none of trouble.py's is a bug."""
        return next((fault for kind, fault in _FAULTS if isinstance(error, kind)), "crash")

    def cause_of(self, error: Exception) -> str:
        """The class's name."""
        return type(error).__name__

    def _check(self, writes: Writes) -> None:
        """Everything that can be refused, in the order of the real transaction: fence, streams, rows, rollups."""
        database = self._database
        where = database.positions(step.tp for step in writes.progress)
        fenced = {step.tp for step in writes.progress if where.get(step.tp) != (step.expected, step.epoch)}
        if fenced:
            raise FencedError(fenced)
        for change in writes.streams:
            stored = database.streams.get(change.key)
            if stored is not None and stored.version != change.after.version - 1:
                raise StaleStreamsError
        for table, batch in writes.rows.items():
            if any(self._refuses(table, row) for row in batch.to_pylist()):
                raise RefusedRowError(f"{table} does not take a row")
