"""Telegraf, tuned: its Kafka input and JSON parser, its PostgreSQL output into a hypertable. At least once, raw rows only.

It does not say how far it is and stores no offsets, so its commits are seen in its table: a crane's samples are
numbered and stored in order, so the highest number of a crane tells what of it is there.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import asyncpg
import numpy as np

from connectors.kafka.positions import read_members
from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.contestants.contestant import ANY_RATE, READER, Bout
from streams.cli.benchmark.contestants.peers import TELEGRAF_VERSION, absence_of, telegraf
from streams.cli.benchmark.courses import Ability
from streams.cli.benchmark.generator import Schedule
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import Program, run_program
from streams.cli.benchmark.shape import PEERS, Shape
from streams.cli.benchmark.workload import CRANES

_CONFIG = Template(Path(__file__).with_name("telegraf.toml").read_text(encoding="utf-8"))
SHAPE = Shape(f"{PEERS}.crane_sample")
_POLL_S = 0.2
_LOOK_S = 0.01
_QUIET_S = 2.0
# COPY extends a table by up to 64 pages at once and fills them in any order across two commits.
_OVERLAP_PAGES = 128
_CHUNKS = """
SELECT inhrelid::regclass::text AS name, (pg_relation_size(inhrelid) / 8192)::bigint AS pages
FROM pg_inherits WHERE inhparent = to_regclass($1)
"""
_HIGHEST = "SELECT crane_id, max(sequence) AS sequence FROM {chunk} WHERE ctid >= $1::text::tid GROUP BY 1"


@dataclass(frozen=True, slots=True)
class Telegraf:
    """The binary that `make peers` builds."""

    name: str = "telegraf"
    does: str = (
        f"Telegraf {TELEGRAF_VERSION}: kafka_consumer, json_v2, postgresql output (COPY, 5,000 metrics a write, "
        "20,000 under way) into a hypertable; raw rows only, at least once"
    )
    keeps_rollups: bool = False
    shape: Shape = SHAPE
    can: frozenset[Ability] = READER
    fixed_rates_to: int = ANY_RATE

    def absence(self) -> str | None:
        """When it has not been built."""
        return absence_of(telegraf())

    async def fresh_topic(self, arena: Arena, name: str) -> str:
        """A new one."""
        await arena.make_topic(name)
        return name

    async def start(self, arena: Arena, bout: Bout, watcher: asyncpg.Connection) -> Program:
        """Start it and wait until it is in its group."""
        del watcher
        log = arena.log(self.name)
        config = log.with_suffix(".toml")
        config.write_text(configuration(arena.brokers, bout), encoding="utf-8")
        environment = {**os.environ, "TELEGRAF_DATABASE": arena.worker_url}
        command = [str(telegraf()), "--config", str(config)]
        program = await run_program(self.name, command, log, environment)
        return await program.once(join(program, arena, bout.group))

    async def watch(self, program: Program, watcher: asyncpg.Connection, every_s: float) -> AsyncIterator[Observation]:
        """By crane, the number of its last sample."""
        heads: dict[int, int] = {}
        seen_pages: dict[str, int] = {}
        moved_at = time.monotonic()
        while True:
            at = time.monotonic()
            if at - moved_at > _QUIET_S:
                seen_pages, moved_at = {}, at  # everything once more: pages may have been filled out of order
            found = await _look(watcher, self.shape.table, seen_pages)
            if any(heads.get(lane, 0) < head for lane, head in found.items()):
                moved_at = at
                heads = {lane: max(heads.get(lane, 0), found.get(lane, 0)) for lane in heads.keys() | found.keys()}
                yield Observation(time.monotonic(), heads)
            program.refuse_ended()
            await asyncio.sleep(max(0.0, at + max(every_s, _LOOK_S) - time.monotonic()))

    def lanes(self, schedule: Schedule) -> Schedule:
        """A lane is a crane, the offset its sample's number less one; events come in the order of their numbers."""
        numbers = np.arange(len(schedule))
        translated = schedule.copy()
        translated["partition"], translated["offset"] = numbers % CRANES, numbers // CRANES
        return translated


def configuration(brokers: str, bout: Bout) -> str:
    """Telegraf's configuration file for a bout; the database's address comes by its environment."""
    return _CONFIG.substitute(brokers=brokers, topic=bout.topic, group=bout.group, schema=PEERS)


async def join(program: Program, arena: Arena, group: str) -> None:
    """Returns when the group has a member; raises CheckFailedError when the program ends before."""
    while not await read_members(arena.access, group):
        program.refuse_ended()
        await asyncio.sleep(_POLL_S)


async def _look(watcher: asyncpg.Connection, table: str, seen_pages: dict[str, int]) -> dict[int, int]:
    """What the pages hold that are new since the last look; looking at all of them would cost too much."""
    found: dict[int, int] = {}
    for chunk in await watcher.fetch(_CHUNKS, table):
        first = max(0, seen_pages.get(chunk["name"], 0) - _OVERLAP_PAGES)
        rows: list[Any] = await watcher.fetch(_HIGHEST.format(chunk=chunk["name"]), f"({first},0)")
        seen_pages[chunk["name"]] = chunk["pages"]
        for row in rows:
            lane = lane_of(row["crane_id"])
            found[lane] = max(found.get(lane, 0), row["sequence"])
    return found


def lane_of(crane: str) -> int:
    """A crane's number: `VNHPH-TANVU-STS007` → 7."""
    return int(crane[-3:])
