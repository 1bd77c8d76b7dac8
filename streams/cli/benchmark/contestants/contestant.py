"""What a contestant is: something that can be started on a topic and watched from outside while it stores events."""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Protocol

import asyncpg

from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.courses import Ability
from streams.cli.benchmark.generator import Schedule, Source
from streams.cli.benchmark.observation import Observation, from_line
from streams.cli.benchmark.program import Program, launch
from streams.cli.benchmark.shape import PORT, Shape

READER = frozenset({Ability.KAFKA})
ANY_RATE = 1_000_000
SLOW_RATE = 1_000


@dataclass(frozen=True, slots=True)
class Bout:
    """One run of one contestant: the topic it reads, the group it reads as, and the `events` events in it."""

    topic: str
    group: str
    workload: Source
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

    @property
    def shape(self) -> Shape:
        """Where its rows are."""

    @property
    def can(self) -> frozenset[Ability]:
        """What a workload may ask of it."""

    @property
    def fixed_rates_to(self) -> int:
        """The highest fixed rate, in events/s, that makes sense for it; those that take few get fewer events too."""

    def absence(self) -> str | None:
        """Why it cannot be started here, in a line for people; None when it can."""

    async def fresh_topic(self, arena: Arena, name: str) -> str:
        """A topic in which nothing waits for it: a new one called `name`, or the only one it reads."""

    async def start(self, arena: Arena, bout: Bout, watcher: asyncpg.Connection) -> Program:
        """Start it; returns when it is about to store its first event."""

    def watch(self, program: Program, watcher: asyncpg.Connection, every_s: float) -> AsyncIterator[Observation]:
        """What it has committed, whenever that changes; looks every `every_s` where it has to look."""

    def lanes(self, schedule: Schedule) -> Schedule:
        """The schedule in terms of what `watch` shows, where that is not partitions and offsets."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """A contestant that is a program of the benchmark and says itself, after each commit, how far it is."""

    name: str
    does: str
    module: str
    can: frozenset[Ability] = READER
    fixed_rates_to: int = ANY_RATE
    shape: Shape = PORT

    @property
    def keeps_rollups(self) -> bool:
        """None does."""
        return False

    def absence(self) -> str | None:
        """Never: it is made of our own dependencies."""
        return None

    async def fresh_topic(self, arena: Arena, name: str) -> str:
        """A new one."""
        await arena.make_topic(name)
        return name

    async def start(self, arena: Arena, bout: Bout, watcher: asyncpg.Connection) -> Program:
        """Launch the module and wait until it says `ready`."""
        del watcher
        program = await launch(self.name, self.module, task_of(arena, bout), arena.log(self.name))
        return await program.once(program.expect(b"ready"))

    async def watch(self, program: Program, watcher: asyncpg.Connection, every_s: float) -> AsyncIterator[Observation]:
        """Its own words."""
        del watcher, every_s
        async for line in program.lines():
            yield from_line(line)
        raise program.ended()

    def lanes(self, schedule: Schedule) -> Schedule:
        """It speaks of partitions and offsets."""
        return schedule


def task_of(arena: Arena, bout: Bout) -> dict[str, object]:
    """What a program has to know of a bout."""
    return {"brokers": arena.brokers, "dsn": arena.worker_url, **asdict(bout)}
