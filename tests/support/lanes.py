"""A lane on its own: a memory store behind it, a consumer that only notes what it is told, a recorder that keeps everything."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NoReturn, Self

from connectors.memory import Database, MemoryStore, Script
from connectors.memory.store import takes_everything
from streams.core.domain import Limits
from streams.core.record import Stretch, TopicPartition
from streams.core.writes import Writes
from streams.lane import Lane, Pace
from streams.pipeline import Fence
from tests.support.judging import pipeline

DEADLINE_S = 10.0
PACE = Pace(batch_rows=10, linger=timedelta(milliseconds=1))


class CrashedError(BaseException):
    """What a lane's crash becomes in a test: like the end of the process, nothing catches it."""


@dataclass
class NotedFlow:
    """A consumer that notes what a lane asks of it; nothing is fetched."""

    log_starts: dict[TopicPartition, int] = field(default_factory=dict)
    sought: list[tuple[TopicPartition, int]] = field(default_factory=list)
    held: list[TopicPartition] = field(default_factory=list)
    released: list[TopicPartition] = field(default_factory=list)
    serial: int = 0

    async def reseek(self, tp: TopicPartition, offset: int) -> int:
        await asyncio.sleep(0)
        self.serial += 1
        self.sought.append((tp, offset))
        return self.serial

    async def log_start(self, tp: TopicPartition) -> int:
        await asyncio.sleep(0)
        return self.log_starts.get(tp, 0)

    def hold(self, tp: TopicPartition) -> None:
        self.held.append(tp)

    def release(self, tp: TopicPartition) -> None:
        self.released.append(tp)


@dataclass
class NotedRecorder:
    """Keeps everything a lane tells."""

    writes: list[Writes] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    fences: list[TopicPartition] = field(default_factory=list)

    def committed(self, writes: Writes, seconds: float) -> None:
        assert seconds >= 0
        self.writes.append(writes)

    def retried(self, cause: str) -> None:
        self.causes.append(cause)

    def fenced(self, tp: TopicPartition) -> None:
        self.fences.append(tp)


class Bench:
    """A lane at work. `async with` runs it; at the end it must not have crashed, unless the test took the crash."""

    def __init__(
        self,
        database: Database | None = None,
        owner: str = "a",
        *,
        limits: Limits | None = None,
        pace: Pace = PACE,
        refuses: Callable[[str, Mapping[str, Any]], bool] = takes_everything,
    ) -> None:
        self.database = database or Database()
        self.script = Script()
        self.store = MemoryStore(self.database, owner, self.script, refuses)
        self.flow = NotedFlow()
        self.recorder = NotedRecorder()
        self.crashes: list[BaseException] = []
        self.lane = Lane(pipeline("crane", limits), self.store, self.flow, self.recorder, pace, self._crash)
        self._run: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._run = asyncio.create_task(self.lane.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        assert self.crashes == []

    async def kill(self) -> None:
        """End the lane wherever it is, as the end of its process would."""
        tasks = [task for task in (self._run, self.lane._flight) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def claim(self, *partitions: TopicPartition, start: int = 0) -> None:
        """Take partitions over, as ownership does."""
        positions = await self.store.claim(dict.fromkeys(partitions, start))
        paused = await self.store.paused(partitions)
        self.lane.claim({tp: Fence(p.next_offset, p.epoch) for tp, p in positions.items()}, paused)

    async def feed(self, *stretches: Stretch) -> None:
        """Offer stretches and wait until the lane has done with them."""
        for stretch in stretches:
            await self.lane.offer(stretch)
        await self.idle()

    async def idle(self) -> None:
        """Wait until nothing is held, prepared or in flight."""
        await until(lambda: self.lane.is_idle or bool(self.crashes), "the lane is idle")

    async def crashed(self) -> BaseException:
        """Wait for the crash and take it."""
        await until(lambda: bool(self.crashes), "the lane has crashed")
        return self.crashes.pop(0)

    def _crash(self, error: BaseException) -> NoReturn:
        self.crashes.append(error)
        raise CrashedError(repr(error))

    # -- what the database shows ------------------------------------------------------------------

    def ids(self) -> list[str]:
        """The ids of stored events, sorted."""
        return sorted(row["event_id"] for rows in self.database.rows.values() for row in rows)

    def head(self, tp: TopicPartition) -> int:
        """The next offset of a partition."""
        return self.database.partitions[tp].next_offset

    def reasons(self) -> dict[int, str]:
        """The reason of every dead letter, by offset."""
        return {letter.record.offset: letter.refusal.reason.value for letter in self.database.dead_letters}


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition; raises AssertionError when it does not hold in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_S
    while not condition():
        assert loop.time() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.001)


class Gate:
    """Stops whoever comes through until it is opened; `is_reached` tells that someone waits."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self.is_reached = False

    async def __call__(self) -> None:
        self.is_reached = True
        await self._open.wait()

    def open(self) -> None:
        self._open.set()


def sums(database: Database) -> list[tuple[int, int, int, int]]:
    """(records, accepted, duplicate, rejected + missing) of every partition, in order."""
    return [
        (line.next_offset - line.first_offset, line.accepted, line.duplicate, line.rejected + line.missing)
        for _, line in sorted(database.partitions.items())
    ]


def differences(database: Database) -> Iterable[str]:
    """Partitions whose outcomes do not add up to their offsets."""
    for tp, line in sorted(database.partitions.items()):
        outcomes = line.accepted + line.duplicate + line.rejected + line.missing
        if line.next_offset - line.first_offset != outcomes:
            yield f"{tp}: {line.next_offset - line.first_offset} records, {outcomes} outcomes"
