"""One measured run: so many workers store what waits in the cranes' topic.

The workers start on an empty topic and have their partitions before anything is sent; what is sent waits behind the
fence until all is there. Measured from 15 % to 75 % of the events: all workers are at work, and as much is under way
in them (fetched, decoded, not committed: about three batches each) at the end as at the beginning.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import asyncpg
import psutil

from schemas.errors import CheckFailedError, ConfigurationError
from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.generator import preload
from streams.cli.benchmark.measure import Cpu, Meter
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import Program, run_command
from streams.cli.benchmark.scaling.ground import nothing_lands
from streams.cli.benchmark.workload import TOPIC, Workload

FROM_SHARE, TO_SHARE = 0.15, 0.75
POLL_S = 0.02
STALL_S = 120.0
STABLE_S = 1.0
_OWNERS = (
    "SELECT count(DISTINCT owner) AS owners, count(owner) AS claimed FROM ingest.partition_offset WHERE topic = $1"
)
_HEADS = "SELECT partition, next_offset FROM ingest.partition_offset WHERE topic = $1"
_STORED = """
SELECT (SELECT count(*) FROM port.crane_sample WHERE bootid = $1 AND time >= $2) AS rows,
  (SELECT count(DISTINCT event_id) FROM port.crane_sample WHERE bootid = $1 AND time >= $2) AS identities,
  (SELECT coalesce(sum(samples), 0)::bigint FROM port.crane_minute) AS counted
"""


@dataclass(frozen=True, slots=True)
class Pull:
    """What one run gave; `pause_ms` is the longest time in it without a commit, `rss_mb` that of all workers."""

    events_per_s: float
    cpu_us_per_event: Mapping[str, float]
    pause_ms: float
    rss_mb: float
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crew:
    """`workers` running workers that share the `partitions` of the cranes' topic."""

    arena: Arena
    watcher: asyncpg.Connection
    program: Program
    workers: int
    partitions: int

    def meter(self) -> Meter:
        """Reads the CPU of all of them together."""
        pid = self.arena.pid
        return Meter(self.program.pid, pid("kafka"), pid("timescaledb"), self.watcher.get_server_pid())

    def rss_mb(self) -> float:
        """Their resident memory now, 10^6 bytes."""
        root = psutil.Process(self.program.pid)
        return sum(process.memory_info().rss for process in (root, *root.children(recursive=True))) / 1e6

    async def shared_out(self) -> None:
        """Until each has partitions, all are claimed, and that has stood for a second."""
        since = time.monotonic()
        while time.monotonic() - since < STABLE_S:
            self.program.refuse_ended()
            if not await is_shared_out(self.watcher, self.workers, self.partitions):
                since = time.monotonic()
            await asyncio.sleep(POLL_S)


async def hire(
    arena: Arena, watcher: asyncpg.Connection, workers: int, partitions: int, settings: Mapping[str, str]
) -> Crew:
    """Start workers (with further settings) and wait until the partitions are shared out."""
    arguments = ["worker", "--processes", str(workers)]
    environment = {**arena.environment(), **settings}
    program = await run_command("quaystream", arguments, arena.log("quaystream"), environment)
    crew = Crew(arena, watcher, program, workers, partitions)
    await program.once(crew.shared_out())
    return crew


async def is_shared_out(watcher: asyncpg.Connection, workers: int, partitions: int) -> bool:
    """Whether so many workers own so many partitions."""
    row = await watcher.fetchrow(_OWNERS, TOPIC)
    return row is not None and (row["owners"], row["claimed"]) == (workers, partitions)


async def pull(crew: Crew, workload: Workload, events: int, begun: Callable[[], None]) -> Pull:
    """Send `events` events, let the crew store them, judge what it stored. `begun` is called where measuring begins."""
    before = await _stored(crew, workload)
    async with nothing_lands(crew.arena):
        await preload(crew.arena.access, TOPIC, workload, events, lambda _: None)
    meter, seen, readings = crew.meter(), list[Observation](), list[tuple[Observation, Cpu]]()
    while not seen or seen[-1].events < events:
        seen.append(await _next(crew, seen[-1] if seen else None))
        if len(readings) < 2 and seen[-1].events >= (FROM_SHARE, TO_SHARE)[len(readings)] * events:
            readings.append((seen[-1], meter.read()))
            if len(readings) == 1:
                begun()
    if len(readings) < 2 or readings[0][0].events == readings[1][0].events:
        raise ConfigurationError(f"--events {events}: stored in too few commits, use more")
    (first, cpu_before), (last, cpu_after) = readings
    found = await _stored(crew, workload)
    return Pull(
        (last.events - first.events) / (last.at - first.at),
        cpu_after.since(cpu_before).per_event_us(last.events - first.events),
        longest_pause_s([o for o in seen if first.at <= o.at <= last.at]) * 1e3,
        crew.rss_mb(),
        tuple(_faults(before, found, events)),
    )


def longest_pause_s(seen: Sequence[Observation]) -> float:
    """The longest time between two commits."""
    return max((later.at - earlier.at for earlier, later in pairwise(seen)), default=0.0)


async def observe(watcher: asyncpg.Connection) -> Observation:
    """How far the topic is stored."""
    rows = await watcher.fetch(_HEADS, TOPIC)
    return Observation(time.monotonic(), {row["partition"]: row["next_offset"] for row in rows})


async def _next(crew: Crew, previous: Observation | None) -> Observation:
    """When something has been committed since; raises CheckFailedError when nothing is."""
    deadline = time.monotonic() + STALL_S
    while time.monotonic() < deadline:
        seen = await observe(crew.watcher)
        if previous is None or seen.heads != previous.heads:
            return seen
        crew.program.refuse_ended()
        await asyncio.sleep(POLL_S)
    raise CheckFailedError(f"the workers stored nothing for {STALL_S:.0f} s: see {crew.program.log}")


async def _stored(crew: Crew, workload: Workload) -> tuple[int, ...]:
    since = datetime.fromtimestamp(workload.start_us / 1e6, UTC)
    row = await crew.watcher.fetchrow(_STORED, workload.boot, since)
    assert row is not None  # noqa: S101  (a SELECT without FROM has a row)
    return tuple(row)


def _faults(before: tuple[int, ...], found: tuple[int, ...], events: int) -> list[str]:
    names = ("rows", "identities", "samples in the minutes")
    more = [after - earlier for earlier, after in zip(before, found, strict=True)]
    return [f"{n} {name} instead of {events}" for name, n in zip(names, more, strict=True) if n != events]
