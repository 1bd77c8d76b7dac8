"""One drain run: everything is in the topic beforehand, and the contestant stores it as fast as it can."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from schemas.errors import CheckFailedError, ConfigurationError
from streams.cli.benchmark.contestants import Bout, Contestant
from streams.cli.benchmark.measure import Cpu
from streams.cli.benchmark.observation import Observation, is_done, is_settled, rate
from streams.cli.benchmark.program import Program
from streams.cli.benchmark.ring import Ring, Show

POLL_S = 0.02
STALL_S = 60.0


@dataclass(frozen=True, slots=True)
class Drain:
    """What one run of one contestant gave; `number` 0 is the warm-up. Rate and CPU are of the stretch in between."""

    contestant: str
    number: int
    events: int
    events_per_s: float
    cpu_us_per_event: Mapping[str, float]
    rss_mb: float
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From the end of start-up to where most is stored."""

    settled: Observation
    done: Observation
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
    events = stretch.done.events - stretch.settled.events
    return Drain(
        contestant.name,
        number,
        bout.events,
        rate(stretch.settled, stretch.done),
        stretch.cpu.per_event_us(events),
        stretch.rss_mb,
        tuple(await _judge(contestant, ring, bout.events)),
    )


async def _follow(contestant: Contestant, program: Program, ring: Ring, events: int, show: Show) -> _Stretch:
    meter = ring.meter(program)
    observations = contestant.watch(program, ring.watcher, POLL_S)
    settled = await _reach(is_settled, observations, program, events)
    before = meter.read()
    if settled.events >= events:
        raise ConfigurationError(f"--events {events}: {contestant.name} stored them in one commit, use more")
    show(settled.events)
    done = await _reach(is_done, observations, program, events)
    spent = meter.read().since(before)
    seen = done
    while seen.events < events:
        show(seen.events)
        seen = await _next(observations, program, seen.events)
    return _Stretch(settled, done, spent, meter.peak_rss_mb())


async def _reach(
    is_there: Callable[[Observation, int], bool],
    observations: AsyncIterator[Observation],
    program: Program,
    events: int,
) -> Observation:
    seen_events = 0
    while True:
        seen = await _next(observations, program, seen_events)
        seen_events = seen.events
        if is_there(seen, events):
            return seen


async def _next(observations: AsyncIterator[Observation], program: Program, so_far: int) -> Observation:
    try:
        return await asyncio.wait_for(anext(observations), STALL_S)
    except TimeoutError as stall:
        raise CheckFailedError(
            f"{program.name} stored nothing for {STALL_S:.0f} s, {so_far:,} events until then: see {program.log}"
        ) from stall


async def _judge(contestant: Contestant, ring: Ring, events: int) -> list[str]:
    answer = ring.expected[events]
    faults = await answer.check_rows(ring.watcher, contestant.shape)
    return faults + (await answer.check_rollups(ring.watcher) if contestant.keeps_rollups else [])
