"""The product: `quaystream worker`, a process like any other, with everything on. Watched through its fence rows."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg

from connectors.kafka.positions import read_positions
from schemas.topics import load_topics
from streams.cli.benchmark.arena import TOPIC, Arena
from streams.cli.benchmark.contestants.contestant import ANY_RATE, Bout
from streams.cli.benchmark.courses import Ability
from streams.cli.benchmark.generator import Schedule
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import Program, run_command
from streams.cli.benchmark.shape import PORT, Shape

_POLL_S = 0.1
_CLAIMED = "SELECT count(*) FROM ingest.partition_offset WHERE owner IS NOT NULL"
_HEADS = "SELECT topic, partition, next_offset FROM ingest.partition_offset"
_LANES_A_TOPIC = 1_000


@dataclass(frozen=True, slots=True)
class Ours:
    """Decode, de-duplication, skew and age checks, all columns, minute and hour rollups, fence, dead letters, metrics."""

    name: str = "quaystream"
    does: str = "the worker, everything on: checks, de-duplication, raw rows, minute and hour rollups, fence, metrics"
    keeps_rollups: bool = True
    shape: Shape = PORT
    can: frozenset[Ability] = frozenset(Ability)
    fixed_rates_to: int = ANY_RATE

    def absence(self) -> str | None:
        """It is always here."""
        return None

    async def fresh_topic(self, arena: Arena, name: str) -> str:
        """`crane-events` from its present end on, as its fence rows say."""
        del name
        spans = await read_positions(arena.access, [TOPIC])
        await arena.fence_at({partition: span.end for (_, partition), span in spans.items()})
        return TOPIC

    async def start(self, arena: Arena, bout: Bout, watcher: asyncpg.Connection) -> Program:
        """Start the worker and wait until it has claimed every partition."""
        del bout
        claims = len(await read_positions(arena.access, _domain_topics()))
        program = await run_command(self.name, ["worker"], arena.log(self.name), arena.environment())
        return await program.once(_claim(program, watcher, claims))

    async def watch(self, program: Program, watcher: asyncpg.Connection, every_s: float) -> AsyncIterator[Observation]:
        """The fence rows: they are committed with the rows they count, so what they say is visible."""
        heads: dict[int, int] = {}
        while True:
            rows = await watcher.fetch(_HEADS)
            at = time.monotonic()
            seen = Observation(at, {lane(row["topic"], row["partition"]): row["next_offset"] for row in rows})
            if seen.heads != heads:
                heads = dict(seen.heads)
                yield seen
            program.refuse_ended()
            await asyncio.sleep(max(0.0, seen.at + every_s - time.monotonic()))

    def lanes(self, schedule: Schedule) -> Schedule:
        """It speaks of partitions and offsets."""
        return schedule


def lane(topic: str, partition: int) -> int:
    """A partition's number among those of all topics; that of `crane-events` is its own."""
    return [TOPIC, *(name for name in _domain_topics() if name != TOPIC)].index(topic) * _LANES_A_TOPIC + partition


def _domain_topics() -> list[str]:
    return [topic.name for topic in load_topics().values() if topic.types]


async def _claim(program: Program, watcher: asyncpg.Connection, claims: int) -> None:
    while await watcher.fetchval(_CLAIMED) < claims:
        program.refuse_ended()
        await asyncio.sleep(_POLL_S)
