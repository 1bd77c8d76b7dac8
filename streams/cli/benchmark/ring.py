"""The arena during one workload: up, with its topics anew, and one connection that watches."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.courses import CRANE, Course
from streams.cli.benchmark.generator import Source, preload
from streams.cli.benchmark.measure import Meter
from streams.cli.benchmark.oracle import Answer
from streams.cli.benchmark.program import Program

Show = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Ring:
    """What a run needs; `expected` is the oracle's answer by number of events."""

    arena: Arena
    watcher: asyncpg.Connection
    workload: Source
    expected: Mapping[int, Answer]

    def meter(self, program: Program) -> Meter:
        """For a running contestant."""
        pid = self.arena.pid
        return Meter(program.pid, pid("kafka"), pid("timescaledb"), self.watcher.get_server_pid())


@asynccontextmanager
async def ring(arena: Arena, workload: Source, counts: set[int], course: Course = CRANE) -> AsyncIterator[Ring]:
    """The ring of an arena that is up; `counts` are the numbers of events that runs will have."""
    await arena.renew_topics(course.partitions)
    expected = {count: course.answer(workload, count) for count in counts}
    async with arena.connection() as watcher:
        yield Ring(arena, watcher, workload, expected)


async def fill(ring: Ring, topic: str, count: int, show: Show) -> float:
    """Preload the first `count` events; returns the generator's events per second."""
    return await preload(ring.arena.access, topic, ring.workload, count, show)
