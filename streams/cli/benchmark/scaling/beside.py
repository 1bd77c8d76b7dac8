"""Live events at a fixed rate, with history waiting in the back-fill topic: what do the live ones wait, with and without?

The same history waits in either case; the worker's rate says whether it is read.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from connectors.kafka.options import KafkaAccess
from schemas.topics import BACKFILL_OF
from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.generator import preload
from streams.cli.benchmark.latency import Waits, latencies, waits_of
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.open_loop import WARM_UP_S, generate
from streams.cli.benchmark.scaling.handover import watch
from streams.cli.benchmark.scaling.pull import Crew
from streams.cli.benchmark.workload import TOPIC, Workload

RATE: Final = 5_000
SECONDS: Final = 30.0
AGO: Final = timedelta(days=7)
HISTORY: Final = BACKFILL_OF[TOPIC]
_START_UP_S: Final = 30.0
_SETTLED_S: Final = 60.0
_POLL_S: Final = 0.1
_STORED = "SELECT coalesce(sum(next_offset - first_offset), 0)::bigint FROM ingest.partition_offset WHERE topic = $1"


@dataclass(frozen=True, slots=True)
class Beside:
    """Round `number` with at most `limit` records of history a second (0: none); `waits` are those of live events.

    `stored_p99_ms` is from the broker's acknowledgement on: on a machine too slow for the rate the generator is late itself.
    `history_per_s` were stored meanwhile. `is_complete`: every live event was stored, and history lasted to the end.
    """

    limit: int
    number: int
    waits: Waits
    stored_p50_ms: float
    stored_p99_ms: float
    history_per_s: float
    is_complete: bool


async def lay_up(access: KafkaAccess, limits: tuple[int, ...], boot: str, progress: Callable[[int], None]) -> int:
    """Send as much history of a week ago as the highest limit cannot use up; returns how many records."""
    start = datetime.now(UTC) - AGO
    count = round(max(limits) * (WARM_UP_S + SECONDS + _START_UP_S))
    await preload(access, HISTORY, Workload(boot, round(start.timestamp() * 1e6)), count, progress)
    return count


async def run_beside(crew: Crew, boot: str, limit: int, number: int, laid_up: int) -> Beside:
    """Send live events open loop to a crew that has history waiting, and watch their commits."""
    seen: list[Observation] = []
    watching = asyncio.create_task(watch(crew, seen))
    clock = asyncio.get_running_loop().time
    before, started = await _stored(crew), clock()
    try:
        schedule = await generate(crew.arena, _task(crew.arena, boot))
        after, ended = await _stored(crew), clock()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLED_S):
                while not seen or np.isinf(latencies(schedule, seen[-1:])).any():  # noqa: ASYNC110  (only asking tells)
                    await asyncio.sleep(_POLL_S)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    waits = waits_of(schedule, seen, WARM_UP_S)
    lasted = limit == 0 or after < laid_up
    acked = schedule.copy()
    acked["due"] = schedule["acked"]
    stored = waits_of(acked, seen, WARM_UP_S)
    history_per_s = (after - before) / (ended - started)
    return Beside(limit, number, waits, stored.p50_ms, stored.p99_ms, history_per_s, lasted and not waits.unseen)


async def _stored(crew: Crew) -> int:
    return int(await crew.watcher.fetchval(_STORED, HISTORY))


def _task(arena: Arena, boot: str) -> dict[str, object]:
    file = str(arena.log(boot).with_suffix(".npy"))
    where = {"brokers": arena.brokers, "topic": TOPIC, "schedule": file}
    return {**where, "boot": boot, "rate": RATE, "seconds": SECONDS + WARM_UP_S}
