"""What a contestant is: something that can be started on a topic and watched from outside while it stores events."""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Protocol

import asyncpg

from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.observation import Observation, from_line
from streams.cli.benchmark.program import Program, launch
from streams.cli.benchmark.workload import Workload


@dataclass(frozen=True, slots=True)
class Bout:
    """One run of one contestant: the topic it reads, the group it reads as, and the `events` events in it."""

    topic: str
    group: str
    workload: Workload
    events: int


class Contestant(Protocol):
    """Frozen; a started one is its `Program`."""

    @property
    def name(self) -> str:
        """As the result file calls it."""

    @property
    def does(self) -> str:
        """What it does, in a line for people."""

    @property
    def keeps_rollups(self) -> bool:
        """Whether minute and hour rollups must come out right too."""

    async def fresh_topic(self, arena: Arena, name: str) -> str:
        """A topic in which nothing waits for it: a new one called `name`, or the only one it reads."""

    async def start(self, arena: Arena, bout: Bout, watcher: asyncpg.Connection) -> Program:
        """Start it; returns when it is about to store its first event."""

    def watch(self, program: Program, watcher: asyncpg.Connection, every_s: float) -> AsyncIterator[Observation]:
        """What it has committed, whenever that changes; looks every `every_s` where it has to look."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """A contestant that is a program of the benchmark and says itself, after each commit, how far it is."""

    name: str
    does: str
    module: str
    keeps_rollups: bool = False

    async def fresh_topic(self, arena: Arena, name: str) -> str:
        """A new one."""
        await arena.make_topic(name)
        return name

    async def start(self, arena: Arena, bout: Bout, watcher: asyncpg.Connection) -> Program:
        """Launch the module and wait until it says `ready`."""
        del watcher
        task = {"brokers": arena.brokers, "dsn": arena.worker_url, **asdict(bout)}
        program = await launch(self.name, self.module, task, arena.log(self.name))
        return await program.once(program.expect(b"ready"))

    async def watch(self, program: Program, watcher: asyncpg.Connection, every_s: float) -> AsyncIterator[Observation]:
        """Its own words."""
        del watcher, every_s
        async for line in program.lines():
            yield from_line(line)
        raise program.ended()
