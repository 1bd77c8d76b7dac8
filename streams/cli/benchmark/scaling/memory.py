"""A worker that is always behind a slow database: whether its memory stays where it is.

So much waits in the topic that every buffer of the worker is as full as it ever gets. The fences are held most of the
time, so that a batch or two is stored each second, and what has been stored is sent again behind it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from connectors.kafka.producer import Publisher
from streams.cli.benchmark.scaling.ground import nothing_lands
from streams.cli.benchmark.scaling.pull import Crew, observe
from streams.cli.benchmark.workload import TOPIC, Workload, encode

EVERY_S = 1.0
SETTLED_SHARE = 0.25
"""Share of the time after which caches and buffers are full: growth is judged from there on."""
_BURST = 2_000
_PAUSE_S = 0.02
HELD_S, LET_GO_S = 0.9, 0.1
"""How long nothing lands, and how long it may then: a database that is as slow as that."""


@dataclass(slots=True)
class Memory:
    """Resident memory of all workers (MB, 10^6 bytes) against seconds, and how much waited at the least meanwhile."""

    behind: int
    seconds: float = 0.0
    events: int = 0
    least_waiting: int = 0
    samples: list[tuple[float, float]] = field(default_factory=list)

    @property
    def peak_mb(self) -> float:
        """The highest seen."""
        return max(mb for _, mb in self.samples)

    @property
    def behind_s(self) -> float:
        """What waited at the least, in seconds of the rate it was stored at."""
        return self.least_waiting / (self.events / self.seconds)

    @property
    def growth_mb_per_h(self) -> float:
        """Slope of the line of least squares once caches are full."""
        return growth_mb_per_h(self.samples, SETTLED_SHARE * self.seconds)

    def minutes_mb(self) -> list[float]:
        """The highest of each minute."""
        minutes = range(int(self.samples[-1][0] // 60) + 1)
        return [max((mb for at, mb in self.samples if at // 60 == minute), default=0.0) for minute in minutes]


def growth_mb_per_h(samples: Sequence[tuple[float, float]], since_s: float) -> float:
    """Of (s, MB), the slope from `since_s` on in MB/h; 0 where fewer than two are left."""
    settled = np.array([sample for sample in samples if sample[0] >= since_s])
    if len(settled) < 2:
        return 0.0
    return float(np.polyfit(settled[:, 0], settled[:, 1], 1)[0] * 3_600)


async def stay_behind(
    crew: Crew, workload: Workload, behind: int, seconds: float, reaches: Callable[[int], None]
) -> Memory:
    """Keep `behind` events waiting for `seconds`, reading the crew's memory every second."""
    sender = _Sender(workload)
    async with Publisher(crew.arena.access) as publisher:
        brake = asyncio.create_task(_brake(crew))
        try:
            await sender.top_up(publisher, behind, reaches)
            return await _watch(crew, sender, publisher, Memory(behind), seconds)
        finally:
            brake.cancel()
            with suppress(asyncio.CancelledError):
                await brake


async def _watch(crew: Crew, sender: "_Sender", publisher: Publisher, found: Memory, seconds: float) -> Memory:
    start, first = time.monotonic(), (await observe(crew.watcher)).events
    found.least_waiting = sender.sent - first
    while found.seconds < seconds:
        crew.program.refuse_ended()
        found.seconds, stored = time.monotonic() - start, (await observe(crew.watcher)).events
        found.events, found.least_waiting = stored - first, min(found.least_waiting, sender.sent - stored)
        if not found.samples or found.seconds - found.samples[-1][0] >= EVERY_S:
            found.samples.append((found.seconds, crew.rss_mb()))
        await sender.top_up(publisher, stored + found.behind)
        await asyncio.sleep(_PAUSE_S)
    return found


async def _brake(crew: Crew) -> None:
    while True:
        async with nothing_lands(crew.arena):
            await asyncio.sleep(HELD_S)
        await asyncio.sleep(LET_GO_S)


class _Sender:
    """Sends events in order until so many are sent."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self.sent = 0

    async def top_up(self, publisher: Publisher, to: int, reaches: Callable[[int], None] = lambda _: None) -> None:
        """Send up to number `to`, acknowledged."""
        while self.sent < to:
            for number in range(self.sent, min(to, self.sent + _BURST)):
                time_us = self._workload.start_us + number // self._workload.cranes * self._workload.step_us
                sample = self._workload.sample(number, time_us)
                await publisher.send(TOPIC, sample.crane.encode(), encode(sample))
                self.sent = number + 1
            reaches(self.sent)
        await publisher.flush()
