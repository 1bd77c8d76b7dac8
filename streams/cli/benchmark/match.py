"""A whole benchmark: arena up, topics filled, rounds interleaved, open loops, arena down again."""

import time
from collections.abc import Awaitable, Iterable, Mapping
from itertools import islice
from typing import Any, Protocol, TypeVar

from deploy.local.part import Step
from schemas.errors import CheckFailedError
from streams.cli.benchmark.arena import TOPIC, Arena
from streams.cli.benchmark.contestants import Bout, Contestant
from streams.cli.benchmark.courses import Course
from streams.cli.benchmark.drain import Drain, drain
from streams.cli.benchmark.latency import Latency
from streams.cli.benchmark.machine import describe
from streams.cli.benchmark.open_loop import open_loop, warm_up
from streams.cli.benchmark.plan import Plan, Turn, topic_of
from streams.cli.benchmark.results import NEVER, Failure, Outcome, Pace, document, mean_bytes
from streams.cli.benchmark.ring import Ring, fill, ring

T = TypeVar("T")
_WEIGHED = 1_000
_AGO_S = 3_600


class Screen(Protocol):
    """Whoever shows a person what goes on."""

    @property
    def step(self) -> Step:
        """Names a piece of work while it runs."""

    def says(self, line: str) -> None:
        """Something a person should know."""

    def begins(self, what: str, total: int) -> None:
        """Something of `total` events begins."""

    def reaches(self, events: int) -> None:
        """So far it has come."""

    def drained(self, run: Drain) -> None:
        """A drain run is over."""

    def answered(self, latency: Latency) -> None:
        """An open-loop run is over."""


async def play(arena: Arena, plan: Plan, screen: Screen) -> dict[str, Any]:
    """Run the plan in an arena that is up; returns the result file's content."""
    for name, absence in plan.absent().items():
        screen.says(f"skipped: {name} is {absence}")
    screen.says(f"about {plan.seconds_in_all() / 60:.0f} minutes")
    async with arena.connection() as connection:
        machine = await describe(connection)
    outcomes = [await _play(arena, course, plan, screen) for course in plan.courses]
    return document(machine, outcomes, plan.absent())


async def _play(arena: Arena, course: Course, plan: Plan, screen: Screen) -> Outcome:
    screen.says(f"{course.name}: {course.does}")
    for name, reason in plan.left_out(course).items():
        screen.says(f"left out: {name} {reason}")
    players = plan.players(course)
    # In the past, so that no event is ahead of its append time.
    workload = course.source((int(time.time()) - _AGO_S) * 1_000_000)
    async with ring(arena, workload, {plan.events_of(player) for player in players}, course) as made:
        generated = [await _fill(made, topic, count, screen) for topic, count in plan.topics(course).items()]
        failures: list[Failure] = []
        drains = [
            run
            for turn in plan.turns(course)
            if (run := await unless_it_fails(turn.contestant, _drain(made, turn, plan, screen), failures, screen))
        ]
        if plan.has_open_loops(course):
            screen.begins("warm the broker up", 0)
            await warm_up(made)
        waits = [
            latency
            for who, rate in plan.open_loops(course)
            if (
                latency := await unless_it_fails(
                    who, _open_loop(made, who, rate, plan.seconds, screen), failures, screen
                )
            )
        ]
    size = mean_bytes(record.value for record in islice(workload.records(plan.events), _WEIGHED))
    pace = Pace(size, max(generated, default=0.0))
    return Outcome(course, players, tuple(drains), tuple(waits), pace, plan.left_out(course), failures)


async def unless_it_fails(who: Contestant, run: Awaitable[T], failures: list[Failure], screen: Screen) -> T | None:
    """One contestant that stalls or ends before its time is its own fault and nobody else's end."""
    try:
        return await run
    except CheckFailedError as error:
        failures.append(Failure(who.name, str(error)))
        screen.says(f"[red]{who.name} did not finish[/red]: {error}")
        return None


async def _fill(made: Ring, topic: str, count: int, screen: Screen) -> float:
    if topic != TOPIC:
        await made.arena.make_topic(topic)
    screen.begins(f"fill {topic}", count)
    return await fill(made, topic, count, screen.reaches)


async def _drain(made: Ring, turn: Turn, plan: Plan, screen: Screen) -> Drain:
    contestant, number = turn
    events = plan.events_of(contestant)
    screen.begins(f"{'warm-up' if number == 0 else f'round {number}'}: {contestant.name}", events)
    # A group of its own each time: the broker remembers how far the last one was.
    bout = Bout(topic_of(contestant), f"{contestant.name}-{number}", made.workload, events)
    run = await drain(contestant, made, bout, number, screen.reaches)
    screen.drained(run)
    return run


async def _open_loop(made: Ring, contestant: Contestant, rate: int, seconds: float, screen: Screen) -> Latency:
    screen.begins(f"{contestant.name} at {rate:,}/s for {seconds:.0f} s", 0)
    latency = await open_loop(contestant, made, rate, seconds)
    screen.answered(latency)
    return latency


def wrong(result: Mapping[str, Any]) -> Iterable[str]:
    """Contestants that did not store what they should have, or never finished, each with its first fault."""
    for workload in result["workloads"]:
        for name, why in workload["left_out"].items():
            if why.startswith(NEVER):
                yield f"{workload['name']}, {name}: {why}"
        for entry in workload["contestants"]:
            if not entry["rows_ok"]:
                yield f"{workload['name']}, {entry['name']}: {next(iter(entry['faults']), 'rows of an open-loop run are wrong')}"
