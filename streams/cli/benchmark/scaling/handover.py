"""A second worker joins and leaves again while events keep coming: how long nothing at all is stored.

Sent at a fixed rate whatever happens. A pause is the time between two commits of the topic, as a watcher sees them;
`waited_s` is what the unluckiest partition waits, which is longer when its new owner comes last.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from connectors.kafka.producer import Publisher
from schemas.errors import CheckFailedError
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import run_command
from streams.cli.benchmark.scaling.pull import Crew, is_shared_out, longest_pause_s, observe
from streams.cli.benchmark.workload import TOPIC, Workload, encode

BEFORE_S = 5.0
AFTER_S = 6.0
"""How long after the partitions are shared out anew a pause is still put down to it."""
SHARED_S = 60.0
POLL_S = 0.01
_BURST_S = 0.01


@dataclass(frozen=True, slots=True)
class Handover:
    """Longest times without a commit: undisturbed, while a worker joins, and while it leaves."""

    rate: int
    quiet_s: float
    join_s: float
    leave_s: float
    join_waited_s: float
    leave_waited_s: float
    is_complete: bool


async def hand_over(crew: Crew, workload: Workload, rate: int) -> Handover:
    """Of a crew of one: another joins, and leaves by SIGTERM; all the while `rate` events/s come."""
    seen: list[Observation] = []
    stop = asyncio.Event()
    sending = asyncio.create_task(_send(crew, workload, rate, stop))
    watching = asyncio.create_task(watch(crew, seen))
    try:
        marks = await _join_and_leave(crew)
    finally:
        stop.set()
        sent = await sending
        is_complete = await _all_stored(seen, sent)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    start, joins, joined, leaves, left = marks
    quiet, join, leave = _between(seen, start, joins), _between(seen, joins, joined), _between(seen, leaves, left)
    return Handover(
        rate=rate,
        quiet_s=longest_pause_s(quiet),
        join_s=longest_pause_s(join),
        leave_s=longest_pause_s(leave),
        join_waited_s=longest_wait_s(join),
        leave_waited_s=longest_wait_s(leave),
        is_complete=is_complete,
    )


def longest_wait_s(seen: Sequence[Observation]) -> float:
    """The longest time in which one and the same partition had no commit."""
    waits = [0.0]
    for partition in {partition for observation in seen for partition in observation.heads}:
        moved: list[Observation] = []
        for observation in seen:
            if not moved or observation.heads.get(partition) != moved[-1].heads.get(partition):
                moved.append(observation)
        waits.append(longest_pause_s(moved))
    return max(waits)


async def _join_and_leave(crew: Crew) -> tuple[float, float, float, float, float]:
    start = time.monotonic()
    await asyncio.sleep(BEFORE_S)
    joins = time.monotonic()
    second = await run_command("second", ["worker"], crew.arena.log("second"), crew.arena.environment())
    try:
        await _owners(crew, 2)
        joined = time.monotonic() + AFTER_S
        await asyncio.sleep(AFTER_S)
        leaves = time.monotonic()
    finally:
        await second.stop()
    await _owners(crew, 1)
    await asyncio.sleep(AFTER_S)
    return start, joins, joined, leaves, time.monotonic()


async def _owners(crew: Crew, workers: int) -> None:
    async with asyncio.timeout(SHARED_S):
        while not await is_shared_out(crew.watcher, workers, crew.partitions):
            crew.program.refuse_ended()
            await asyncio.sleep(POLL_S)


async def _send(crew: Crew, workload: Workload, rate: int, stop: asyncio.Event) -> int:
    """In small bursts that are never late for long: what should have been sent is sent next. Returns how many were."""
    start, start_us, sent = time.monotonic(), time.time_ns() // 1_000, 0
    async with Publisher(crew.arena.access) as publisher:
        while not stop.is_set():
            due = int((time.monotonic() - start) * rate)
            for number in range(sent, due):
                sample = workload.sample(number, start_us + number * 1_000_000 // rate)
                await publisher.send(TOPIC, sample.crane.encode(), encode(sample))
            sent = due
            await asyncio.sleep(_BURST_S)
        await publisher.flush()
    return sent


async def watch(crew: Crew, seen: list[Observation]) -> None:
    """Note every commit of the topic, until cancelled."""
    async with crew.arena.connection() as connection:
        while True:
            observation = await observe(connection)
            if not seen or observation.heads != seen[-1].heads:
                seen.append(observation)
            await asyncio.sleep(POLL_S)


async def _all_stored(seen: Sequence[Observation], sent: int) -> bool:
    deadline = time.monotonic() + SHARED_S
    while time.monotonic() < deadline:
        if seen and seen[-1].events >= sent:
            return seen[-1].events == sent
        await asyncio.sleep(POLL_S)
    raise CheckFailedError(f"{seen[-1].events if seen else 0} of {sent} events stored after {SHARED_S:.0f} s")


def _between(seen: Iterable[Observation], start: float, end: float) -> list[Observation]:
    return [observation for observation in seen if start <= observation.at <= end]
