"""One drain run: everything is in the topic beforehand, and the contestant stores it as fast as it can."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from schemas.errors import CheckFailedError, ConfigurationError
from streams.cli.benchmark.contestants import Bout, Contestant
from streams.cli.benchmark.measure import Cpu, Meter
from streams.cli.benchmark.observation import Observation, is_settled, rate
from streams.cli.benchmark.oracle import check, check_rollups
from streams.cli.benchmark.program import Program
from streams.cli.benchmark.ring import Ring, Show

POLL_S = 0.02
STALL_S = 120.0


@dataclass(frozen=True, slots=True)
class Drain:
    """What one run of one contestant gave; `number` 0 is the warm-up. Start-up is in neither rate nor CPU."""

    contestant: str
    number: int
    events: int
    events_per_s: float
    cpu_us_per_event: Mapping[str, float]
    rss_mb: float
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From the end of start-up to the last commit."""

    settled: Observation
    last: Observation
    cpu: Cpu
    rss_mb: float


async def drain(contestant: Contestant, ring: Ring, bout: Bout, number: int, show: Show) -> Drain:
    """Run it on an empty database and judge what it stored; raises CheckFailedError when it stalls or ends."""
    await ring.arena.clear()
    program = await contestant.start(ring.arena, bout, ring.watcher)
    try:
        stretch = await _follow(contestant, program, ring, bout.events, show)
    finally:
        await program.stop()
    events = stretch.last.events - stretch.settled.events
    return Drain(
        contestant.name,
        number,
        bout.events,
        rate(stretch.settled, stretch.last),
        stretch.cpu.per_event_us(events),
        stretch.rss_mb,
        tuple(await _judge(contestant, ring, bout.events)),
    )


async def _follow(contestant: Contestant, program: Program, ring: Ring, events: int, show: Show) -> _Stretch:
    meter = ring.meter(program)
    observations = contestant.watch(program, ring.watcher, POLL_S)
    settled, before = await _reach_settled(observations, program, meter, events)
    last = settled
    while last.events < events:
        show(last.events)
        last = await _next(observations, program)
    spent = meter.read().since(before)
    if last is settled:
        raise ConfigurationError(f"--events {events}: {contestant.name} stored them in one commit, use more")
    return _Stretch(settled, last, spent, meter.peak_rss_mb())


async def _reach_settled(
    observations: AsyncIterator[Observation], program: Program, meter: Meter, events: int
) -> tuple[Observation, Cpu]:
    while True:
        seen = await _next(observations, program)
        if is_settled(seen, events):
            return seen, meter.read()


async def _next(observations: AsyncIterator[Observation], program: Program) -> Observation:
    try:
        return await asyncio.wait_for(anext(observations), STALL_S)
    except TimeoutError as stall:
        raise CheckFailedError(f"{program.name} stored nothing for {STALL_S:.0f} s: see {program.log}") from stall


async def _judge(contestant: Contestant, ring: Ring, events: int) -> list[str]:
    expected = ring.expected[events]
    faults = await check(ring.watcher, expected)
    return faults + (await check_rollups(ring.watcher, expected) if contestant.keeps_rollups else [])
