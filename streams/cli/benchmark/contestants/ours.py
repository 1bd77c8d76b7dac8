"""The product: `quaystream worker`, a process like any other, with everything on. Watched through its fence rows."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg

from connectors.kafka.positions import read_positions
from schemas.topics import load_topics
from streams.cli.benchmark.arena import TOPIC, Arena
from streams.cli.benchmark.contestants.contestant import Bout
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import Program, run_command

_POLL_S = 0.1
_CLAIMED = "SELECT count(*) FROM ingest.partition_offset WHERE topic = $1 AND owner IS NOT NULL"
_HEADS = "SELECT partition, next_offset FROM ingest.partition_offset WHERE topic = $1"


@dataclass(frozen=True, slots=True)
class Ours:
    """Decode, de-duplication, skew and age checks, all columns, minute and hour rollups, fence, dead letters, metrics."""

    name: str = "quaystream"
    does: str = "the worker, everything on: checks, de-duplication, raw rows, minute and hour rollups, fence, metrics"
    keeps_rollups: bool = True

    async def fresh_topic(self, arena: Arena, name: str) -> str:
        """`crane-events` from its present end on, as its fence rows say."""
        del name
        spans = await read_positions(arena.access, [TOPIC])
        await arena.fence_at({partition: span.end for (_, partition), span in spans.items()})
        return TOPIC

    async def start(self, arena: Arena, bout: Bout, watcher: asyncpg.Connection) -> Program:
        """Start the worker and wait until it has claimed the topic's partitions."""
        del bout
        program = await run_command(self.name, ["worker"], arena.log(self.name), arena.environment())
        return await program.once(_claim(program, watcher))

    async def watch(self, program: Program, watcher: asyncpg.Connection, every_s: float) -> AsyncIterator[Observation]:
        """The fence rows: they are committed with the rows they count, so what they say is visible."""
        heads: dict[int, int] = {}
        while True:
            rows = await watcher.fetch(_HEADS, TOPIC)
            seen = Observation(time.monotonic(), {row["partition"]: row["next_offset"] for row in rows})
            if seen.heads != heads:
                heads = dict(seen.heads)
                yield seen
            program.refuse_ended()
            await asyncio.sleep(max(0.0, seen.at + every_s - time.monotonic()))


async def _claim(program: Program, watcher: asyncpg.Connection) -> None:
    while await watcher.fetchval(_CLAIMED, TOPIC) < load_topics()[TOPIC].partitions:
        program.refuse_ended()
        await asyncio.sleep(_POLL_S)
