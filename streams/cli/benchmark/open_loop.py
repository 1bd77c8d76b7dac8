"""One open-loop run: events come at a fixed rate whatever the contestant does, and its commits are watched."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.contestants import Bout, Contestant
from streams.cli.benchmark.generator import Schedule
from streams.cli.benchmark.latency import Latency, latencies, waits_of
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import Program, launch
from streams.cli.benchmark.ring import Ring

POLL_S = 0.005
WARM_UP_S = 5.0
PATIENCE_S = 60.0
WARM_RATE, WARM_S = 5_000, 8.0
_SETTLE_S = 0.05
_ROWS = "SELECT count(*), count(DISTINCT event_id) FROM {table}"


async def open_loop(contestant: Contestant, ring: Ring, rate: int, seconds: float) -> Latency:
    """Run it at `rate` for `seconds` after a warm-up; raises CheckFailedError when it ends meanwhile."""
    await ring.arena.clear()
    name = f"{contestant.name}-at-{rate}"
    topic = await contestant.fresh_topic(ring.arena, name)
    program = await contestant.start(ring.arena, Bout(topic, name, ring.workload, 0), ring.watcher)
    try:
        meter = ring.meter(program)
        before = meter.read()
        schedule, seen = await _follow(contestant, program, ring, _task(ring, topic, name, rate, seconds))
        spent = meter.read().since(before)
    finally:
        await program.stop()
    rows = await ring.watcher.fetchrow(_ROWS.format(table=contestant.shape.table))
    return Latency(
        contestant.name,
        rate,
        waits_of(schedule, seen, WARM_UP_S),
        spent.per_event_us(len(schedule)),
        rows_ok=rows is not None and tuple(rows) == (len(schedule), len(schedule)),
    )


async def warm_up(ring: Ring) -> None:
    """Send for a while and store nothing: a broker that has not been written to at a rate yet is nobody's latency."""
    topic = "warm-up"
    await ring.arena.make_topic(topic)
    await generate(ring.arena, _task(ring, topic, topic, WARM_RATE, WARM_S))


def _task(ring: Ring, topic: str, name: str, rate: int, seconds: float) -> dict[str, Any]:
    file = ring.arena.log(name).with_suffix(".npy")
    where = {"brokers": ring.arena.brokers, "topic": topic, "schedule": str(file)}
    return {**where, "boot": name, "rate": rate, "seconds": seconds + WARM_UP_S}


async def _follow(
    contestant: Contestant, program: Program, ring: Ring, task: dict[str, Any]
) -> tuple[Schedule, list[Observation]]:
    seen: list[Observation] = []
    collecting = asyncio.create_task(_collect(contestant.watch(program, ring.watcher, POLL_S), seen))
    try:
        schedule = contestant.lanes(await generate(ring.arena, task))
        await _await_all(schedule, seen, collecting)
    finally:
        collecting.cancel()
        with suppress(asyncio.CancelledError):
            await collecting
    return schedule, seen


async def generate(arena: Arena, task: Mapping[str, Any]) -> Schedule:
    """Send what `task` says (generator.main) and return when each event was due and where it landed."""
    generator = await launch("generator", "streams.cli.benchmark.generator", dict(task), arena.log("generator"))
    try:
        await generator.expect(b"sent")
    finally:
        await generator.stop()
    schedule: Schedule = np.load(task["schedule"])
    return schedule


async def _collect(observations: AsyncIterator[Observation], seen: list[Observation]) -> None:
    async for observation in observations:
        seen.append(observation)  # noqa: PERF401  (others read the list while it grows)


async def _await_all(schedule: Schedule, seen: list[Observation], collecting: "asyncio.Task[None]") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and not collecting.done():
        if seen and np.isfinite(latencies(schedule, seen[-1:])).all():
            return
        await asyncio.sleep(_SETTLE_S)
