"""Schedules: made from a seed, played, and made shorter for as long as they still go wrong."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple, NoReturn

import pyarrow as pa
import structlog

from tests.simulation.clock import SimulatedLoop
from tests.simulation.shore import Shore

# How often: what goes on all the time must be more frequent than what goes wrong.
ASHORE: Final = {"offer": 26, "go_on": 26, "wait": 10, "mood": 8, "kill_gateway": 5}
CHANCES: Final = {
    **ASHORE,
    "kill_worker": 6,
    "hand_over": 6,
    "cut_delivery": 3,
    "away": 3,
    "fail_once": 7,
}
LENGTH: Final = 24
_HIGH: Final = {"go_on": 24, "wait": 30}


World = Callable[[SimulatedLoop], Shore]
"""Makes the world that a schedule happens to."""


class Happening(NamedTuple):
    """One thing of a schedule; the numbers say which and how."""

    what: str
    one: int
    other: int


Schedule = Sequence[Happening]


def schedule_of(seed: int, chances: Mapping[str, int] = CHANCES) -> Schedule:
    """The same seed, the same schedule."""
    dice = random.Random(seed)
    chosen = dice.choices(list(chances), list(chances.values()), k=LENGTH)
    return [Happening(what, dice.randrange(_HIGH.get(what, 8)), dice.randrange(8)) for what in chosen]


def play(schedule: Schedule, world: World) -> list[str]:
    """What is wrong after it, in words; [] when all is well."""
    random.seed(0)  # how long a worker waits before it tries again
    loop = SimulatedLoop()
    try:
        return loop.run_until_complete(_play(loop, schedule, world))
    finally:
        loop.close()


async def _play(loop: SimulatedLoop, schedule: Schedule, world: World) -> list[str]:
    made = world(loop)
    for happening in schedule:
        await made.happen(*happening)
    await made.heal()
    found = list(made.problems())
    await made.end()
    return found


def shrunk(schedule: Schedule, world: World) -> Schedule:
    """As short as leaving things out makes it, with something still wrong."""
    kept, size = list(schedule), len(schedule) // 2
    while size:
        for start in range(0, len(kept), size):
            shorter = [*kept[:start], *kept[start + size :]]
            if play(shorter, world):
                kept = shorter
                break
        else:
            size //= 2
    return kept


class Failed(NamedTuple):
    """A seed whose schedule goes wrong, its shortest form, and what is wrong then."""

    seed: int
    schedule: Schedule
    problems: list[str]

    def __str__(self) -> str:
        steps = "\n".join(f"    {step.what} {step.one} {step.other}" for step in self.schedule)
        return f"seed {self.seed} ({len(self.schedule)} steps):\n{steps}\n  " + "\n  ".join(self.problems)


def first_failure(seeds: Sequence[int], world: World, chances: Mapping[str, int] = CHANCES) -> Failed | None:
    """The first seed that goes wrong, made as short as it gets; None where none does."""
    with quiet():
        for seed in seeds:
            schedule = schedule_of(seed, chances)
            if play(schedule, world):
                shortest = shrunk(schedule, world)
                return Failed(seed, shortest, play(shortest, world))
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is logged, for everything is expected to go wrong; and batches of a few rows are not parted among threads."""
    structlog.configure(processors=[_drop])
    threads = pa.cpu_count()
    pa.set_cpu_count(1)
    try:
        yield
    finally:
        structlog.reset_defaults()
        pa.set_cpu_count(threads)


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent
