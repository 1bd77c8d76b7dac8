"""What one benchmark will run, in order."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from schemas.errors import ConfigurationError
from streams.cli.benchmark.arena import TOPIC
from streams.cli.benchmark.contestants import CONTESTANTS, Contestant
from streams.cli.benchmark.contestants.contestant import SLOW_RATE
from streams.cli.benchmark.courses import CRANE, Ability, Course
from streams.cli.benchmark.open_loop import WARM_UP_S

FEW = "few-crane-events"
SLOW_SHARE, LEAST_SLOW_EVENTS = 10, 3_000
# Seconds beside the storing itself, as seen on two cores: start, stop, clearing, judging; and what slow ones store.
UP_S, TURN_S, LOOP_S = 40.0, 9.0, 9.0
FILLED_PER_S, STORED_PER_S, SLOWLY_PER_S = 25_000, 40_000, 8_000


class Turn(NamedTuple):
    """A drain run: whose, and in which round (0 = warm-up, dropped)."""

    contestant: Contestant
    number: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Per workload `rounds` counted rounds after a warm-up; `rates` (events/s) for `seconds` each, open loop.

    Slow contestants get a tenth of the events: rates, not durations, are compared.
    """

    contestants: tuple[Contestant, ...] = CONTESTANTS
    rounds: int = 3
    events: int = 300_000
    rates: tuple[int, ...] = (1_000, 5_000, 10_000, 20_000)
    seconds: float = 15.0
    courses: tuple[Course, ...] = (CRANE,)

    def players(self, course: Course) -> tuple[Contestant, ...]:
        """Those who are here and can do what the workload asks."""
        return tuple(c for c in self.contestants if course.asks <= c.can and c.absence() is None)

    def left_out(self, course: Course) -> Mapping[str, str]:
        """Who cannot take part though it is here, and why, in words."""
        return {
            c.name: " and ".join(f"does not {ability}" for ability in sorted(course.asks - c.can))
            for c in self.contestants
            if not course.asks <= c.can and c.absence() is None
        }

    def absent(self) -> Mapping[str, str]:
        """Who is not here, and why."""
        return {c.name: absence for c in self.contestants if (absence := c.absence()) is not None}

    def turns(self, course: Course) -> Iterator[Turn]:
        """Interleaved, A B C A B C: what disturbs the machine for a while disturbs all of them."""
        return (Turn(contestant, number) for number in range(self.rounds + 1) for contestant in self.players(course))

    def open_loops(self, course: Course) -> Iterator[tuple[Contestant, int]]:
        """Rates, lowest first, of everyone that can keep up with them; only with the plain crane samples."""
        players = self.players(course) if course is CRANE else ()
        return ((c, rate) for rate in sorted(self.rates) for c in players if rate <= c.fixed_rates_to)

    def has_open_loops(self, course: Course) -> bool:
        """Whether anybody plays at a fixed rate."""
        return any(True for _ in self.open_loops(course))

    def events_of(self, contestant: Contestant) -> int:
        """How many events its drain runs have."""
        return max(self.events // SLOW_SHARE, LEAST_SLOW_EVENTS) if is_slow(contestant) else self.events

    def topics(self, course: Course) -> Mapping[str, int]:
        """Topics to fill beforehand, and with how many events."""
        return {topic_of(c): self.events_of(c) for c in self.players(course) if Ability.KAFKA in c.can}

    def seconds_in_all(self) -> float:
        """About how long it takes on two cores."""
        filling = sum(sum(self.topics(course).values()) for course in self.courses) / FILLED_PER_S
        draining = sum(self._turn_s(turn.contestant) for course in self.courses for turn in self.turns(course))
        loops = sum(len(list(self.open_loops(course))) for course in self.courses)
        return UP_S + filling + draining + loops * (self.seconds + WARM_UP_S + LOOP_S)

    def _turn_s(self, contestant: Contestant) -> float:
        speed = SLOWLY_PER_S if is_slow(contestant) else STORED_PER_S
        return TURN_S + self.events_of(contestant) / speed


def is_slow(contestant: Contestant) -> bool:
    """Whether as many events as the others get would take it minutes."""
    return 0 < contestant.fixed_rates_to <= SLOW_RATE


def topic_of(contestant: Contestant) -> str:
    """The preloaded topic it reads."""
    return FEW if is_slow(contestant) else TOPIC


def chosen(names: Iterable[str]) -> tuple[Contestant, ...]:
    """Contestants by name, in their usual order; raises ConfigurationError."""
    wanted = set(names)
    unknown = sorted(wanted - {contestant.name for contestant in CONTESTANTS})
    if unknown:
        known = ", ".join(contestant.name for contestant in CONTESTANTS)
        raise ConfigurationError(f"--only {unknown[0]}: no such contestant, choose from {known}")
    return tuple(contestant for contestant in CONTESTANTS if contestant.name in wanted)
