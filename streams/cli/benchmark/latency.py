"""One open-loop run: events come at a fixed rate whatever happens, and each waits until its commit is visible.

Latency is from the moment an event was due to be sent to the first moment its partition's head was seen past
it: an upper bound, as fine as the watcher looks (5 ms), without coordinated omission.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from schemas.errors import CheckFailedError
from streams.cli.benchmark.contestants import Bout, Contestant
from streams.cli.benchmark.generator import Schedule
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import Program, launch
from streams.cli.benchmark.ring import Ring

POLL_S = 0.005
WARM_UP_S = 5.0
PATIENCE_S = 60.0
_ROWS = "SELECT count(*), count(DISTINCT event_id) FROM port.crane_sample"


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from due to visible at `rate` events/s; `unseen` events were never committed within `PATIENCE_S`.

    `rows_ok`: every event sent, the warm-up's too, is stored once. `late_p99_ms` is how late the generator itself was: small, or the figures say nothing.
    """

    contestant: str
    rate: int
    events: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    late_p99_ms: float
    unseen: int
    rows_ok: bool


async def open_loop(contestant: Contestant, ring: Ring, rate: int, seconds: float) -> Latency:
    """Run it at `rate` for `seconds` after a warm-up."""
    await ring.arena.clear()
    name = f"{contestant.name}-at-{rate}"
    topic = await contestant.fresh_topic(ring.arena, name)
    program = await contestant.start(ring.arena, Bout(topic, name, ring.workload, 0), ring.watcher)
    try:
        schedule, seen = await _follow(contestant, program, ring, _task(ring, topic, name, rate, seconds))
    finally:
        await program.stop()
    counted = schedule[schedule["due"] >= schedule["due"][0] + WARM_UP_S]
    rows = await ring.watcher.fetchrow(_ROWS)
    summed = _summed_up(contestant.name, rate, counted, latencies(counted, seen))
    return replace(summed, rows_ok=rows is not None and tuple(rows) == (len(schedule), len(schedule)))


def latencies(schedule: Schedule, seen: Sequence[Observation]) -> npt.NDArray[np.float64]:
    """Seconds from due to first seen committed, one per event of `schedule`; infinite for one never seen."""
    moments = np.array([observation.at for observation in seen] + [np.inf])
    result = np.full(len(schedule), np.inf)
    for partition in np.unique(schedule["partition"]).tolist():
        mine = schedule["partition"] == partition
        heads = np.array([observation.heads.get(partition, 0) for observation in seen])
        first = np.searchsorted(heads, schedule["offset"][mine], side="right")
        result[mine] = moments[first] - schedule["due"][mine]
    return result


def _task(ring: Ring, topic: str, name: str, rate: int, seconds: float) -> dict[str, object]:
    return {
        "brokers": ring.arena.brokers,
        "topic": topic,
        "boot": name,
        "rate": rate,
        "seconds": seconds + WARM_UP_S,
        "schedule": str(ring.arena.log(name).with_suffix(".npy")),
    }


async def _follow(
    contestant: Contestant, program: Program, ring: Ring, task: dict[str, object]
) -> tuple[Schedule, list[Observation]]:
    seen: list[Observation] = []
    collecting = asyncio.create_task(_collect(contestant.watch(program, ring.watcher, POLL_S), seen))
    generator = await launch("generator", "streams.cli.benchmark.generator", task, ring.arena.log("generator"))
    try:
        await generator.expect(b"sent")
        schedule = np.load(str(task["schedule"]))
        await _await_all(schedule, seen, collecting)
    finally:
        await generator.stop()
        collecting.cancel()
        with suppress(asyncio.CancelledError):
            await collecting
    return schedule, seen


async def _collect(observations: AsyncIterator[Observation], seen: list[Observation]) -> None:
    async for observation in observations:
        seen.append(observation)  # noqa: PERF401  (others read the list while it grows)


async def _await_all(schedule: Schedule, seen: list[Observation], collecting: "asyncio.Task[None]") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and not collecting.done():
        if seen and np.isfinite(latencies(schedule, seen[-1:])).all():
            return
        await asyncio.sleep(POLL_S * 10)


def _summed_up(name: str, rate: int, schedule: Schedule, waited: npt.NDArray[np.float64]) -> Latency:
    if not len(schedule):
        raise CheckFailedError(f"no event of {name} at {rate}/s was due after the warm-up")
    p50, p99, p999, most = np.percentile(waited * 1e3, (50, 99, 99.9, 100), method="inverted_cdf").tolist()
    late = float(np.percentile((schedule["sent"] - schedule["due"]) * 1e3, 99))
    unseen = int(np.isinf(waited).sum())
    return Latency(name, rate, len(schedule), p50, p99, p999, most, late, unseen, rows_ok=False)
