"""The arena during one benchmark: up, with its events preloaded, and one connection that watches."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.generator import preload
from streams.cli.benchmark.measure import Meter
from streams.cli.benchmark.oracle import Expected, expect
from streams.cli.benchmark.program import Program
from streams.cli.benchmark.workload import Workload

Show = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Ring:
    """What a run needs; `expected` is the oracle's answer by number of events."""

    arena: Arena
    watcher: asyncpg.Connection
    workload: Workload
    expected: Mapping[int, Expected]

    def meter(self, program: Program) -> Meter:
        """For a running contestant."""
        pid = self.arena.pid
        return Meter(program.pid, pid("kafka"), pid("timescaledb"), self.watcher.get_server_pid())


@asynccontextmanager
async def ring(arena: Arena, workload: Workload, counts: set[int]) -> AsyncIterator[Ring]:
    """The ring of an arena that is up; `counts` are the numbers of events that runs will have."""
    await arena.make_topics()
    expected = {count: expect(workload.samples(count)) for count in counts}
    async with arena.connection() as watcher:
        yield Ring(arena, watcher, workload, expected)


async def fill(ring: Ring, topic: str, count: int, show: Show) -> float:
    """Preload the first `count` events; returns the generator's events per second."""
    return await preload(ring.arena.access, topic, ring.workload, count, show)
