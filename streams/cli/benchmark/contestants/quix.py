"""Quix Streams with its own PostgreSQL sink, in a Python environment of its own: it wants other versions than we do."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.contestants.contestant import READER, SLOW_RATE, Bout, task_of
from streams.cli.benchmark.contestants.peers import absence_of, quix_python
from streams.cli.benchmark.contestants.telegraf import join
from streams.cli.benchmark.courses import Ability
from streams.cli.benchmark.generator import Schedule
from streams.cli.benchmark.observation import Observation, from_line
from streams.cli.benchmark.program import Program, run_program
from streams.cli.benchmark.shape import PEERS, Shape

TABLE = "crane_sample"
# The sink writes the event time without a zone; the program runs in UTC.
SHAPE = Shape(f"{PEERS}.{TABLE}", time="(timestamp AT TIME ZONE 'UTC')")
_PROGRAM = Path(__file__).with_name("quix_program.py")
_CREATE = (
    """CREATE TABLE {table} (timestamp timestamp NOT NULL, __key text, crane_id text, source text, event_id text,
    bootid text, sequence bigint, hoist_position_m float8, hoist_speed_mps float8, load_t float8, wind_mps float8,
    power_kw float8)""",
    "SELECT create_hypertable('{table}', by_range('timestamp', INTERVAL '1 day'), create_default_indexes => false)",
    "CREATE INDEX ON {table} (crane_id, timestamp DESC)",
)


@dataclass(frozen=True, slots=True)
class Quix:
    """The program beside this file, run by the interpreter that `make peers` prepares."""

    name: str = "quix"
    does: str = (
        "Quix Streams 3.24.0 with its PostgreSQL sink (multi-row INSERT, a checkpoint every 10,000 events); "
        "raw rows only, at least once"
    )
    keeps_rollups: bool = False
    shape: Shape = SHAPE
    can: frozenset[Ability] = READER
    fixed_rates_to: int = SLOW_RATE

    def absence(self) -> str | None:
        """When its environment has not been made."""
        return absence_of(quix_python())

    async def fresh_topic(self, arena: Arena, name: str) -> str:
        """A new one."""
        await arena.make_topic(name)
        return name

    async def start(self, arena: Arena, bout: Bout, watcher: asyncpg.Connection) -> Program:
        """Make its hypertable (the sink would make a plain one), start it and wait until it is in its group."""
        del watcher
        await arena.as_worker([statement.format(table=self.shape.table) for statement in _CREATE])
        log, state = arena.log(self.name), arena.log(self.name).with_suffix(".state")
        task = {**task_of(arena, bout), "schema": PEERS, "table": TABLE, "state": str(state)}
        command = [str(quix_python()), str(_PROGRAM)]
        program = await run_program(self.name, command, log, {**os.environ, "TZ": "UTC"}, task)
        return await program.once(join(program, arena, bout.group))

    async def watch(self, program: Program, watcher: asyncpg.Connection, every_s: float) -> AsyncIterator[Observation]:
        """Its own words."""
        del watcher, every_s
        async for line in program.lines():
            yield from_line(line)
        raise program.ended()

    def lanes(self, schedule: Schedule) -> Schedule:
        """It speaks of partitions and offsets."""
        return schedule
