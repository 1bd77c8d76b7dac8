"""What one benchmark will run, in order."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from schemas.errors import ConfigurationError
from streams.cli.benchmark.arena import TOPIC
from streams.cli.benchmark.contestants import CONTESTANTS, LIMIT, OURS, STOCK_FAUST, Contestant


class Turn(NamedTuple):
    """A drain run: whose, and in which round (0 = warm-up, dropped)."""

    contestant: Contestant
    number: int


@dataclass(frozen=True, slots=True)
class Plan:
    """`rounds` counted rounds after a warm-up; `rates` (events/s) for `seconds` each, open loop.

    The stock agent gets `stock_events`, because it is slow: rates, not durations, are compared.
    """

    contestants: tuple[Contestant, ...] = CONTESTANTS
    rounds: int = 3
    events: int = 300_000
    stock_events: int = 30_000
    rates: tuple[int, ...] = (1_000, 5_000, 10_000)
    seconds: float = 20.0

    def turns(self) -> Iterator[Turn]:
        """Interleaved, A B C A B C: what disturbs the machine for a while disturbs all of them."""
        return (Turn(contestant, number) for number in range(self.rounds + 1) for contestant in self.contestants)

    def open_loops(self) -> Iterator[tuple[Contestant, int]]:
        """Rates, lowest first, of everyone that reads from Kafka."""
        readers = [contestant for contestant in self.contestants if contestant is not LIMIT]
        return ((contestant, rate) for rate in sorted(self.rates) for contestant in readers)

    def events_of(self, contestant: Contestant) -> int:
        """How many events its drain runs have."""
        return self.stock_events if contestant is STOCK_FAUST else self.events

    def topics(self) -> Mapping[str, int]:
        """Topics to fill beforehand, and with how many events."""
        readers = [contestant for contestant in self.contestants if contestant is not LIMIT]
        return {topic_of(contestant): self.events_of(contestant) for contestant in readers}


def topic_of(contestant: Contestant) -> str:
    """The preloaded topic it reads."""
    return TOPIC if contestant is OURS else f"{contestant.name}-events"


def chosen(names: Iterable[str]) -> tuple[Contestant, ...]:
    """Contestants by name, in their usual order; raises ConfigurationError."""
    wanted = set(names)
    unknown = sorted(wanted - {contestant.name for contestant in CONTESTANTS})
    if unknown:
        known = ", ".join(contestant.name for contestant in CONTESTANTS)
        raise ConfigurationError(f"--only {unknown[0]}: no such contestant, choose from {known}")
    return tuple(contestant for contestant in CONTESTANTS if contestant.name in wanted)
