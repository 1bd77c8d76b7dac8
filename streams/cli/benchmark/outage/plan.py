"""How long, how fast, how often: the numbers of one drill, and the simulated port that follows from them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connectors.simulator import SimulationOptions
from streams.facts.store import Hold

# Records a second of the simulated port at 1 Hz, of which nearly all are samples.
_PER_HZ: Final = 37.6
_LONGEST: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Plan:
    """`after_s`: how long the port goes on at least when the broker is back. `hours`: of event time in the data; 0 = as it happens."""

    outage_s: float = 240.0
    kills: int = 20
    per_s: float = 2_000.0
    after_s: float = 60.0
    hours: float = 0.0
    seed: int = 7
    warm_up_s: float = 6.0

    @property
    def is_live(self) -> bool:
        """Whether events happen when they are written."""
        return self.hours == 0

    @property
    def limit_s(self) -> float:
        """How long a catch-up may take."""
        return 120 + 3 * self.outage_s

    def most_folds(self, catch_up_s: float) -> int:
        """How often a key may be folded again for an outage: once, and once more for each span that late rows may rest.

        They rest while more of them come, as long again as they came late at most, at most ten minutes (`Hold`): a fold
        that waited for hours of backlog would tell nothing of those hours until then, and be one of all their rows.
        """
        span_s = min(self.outage_s, Hold().longest.total_seconds())
        return 1 + int(catch_up_s // span_s)

    def simulation(self, now: datetime) -> SimulationOptions:
        """A port that begins now; or one whose hours end now, with as many records as are written until a while after the outage."""
        if self.is_live:
            return SimulationOptions(
                seed=self.seed, duration=_LONGEST, start=now.replace(microsecond=0), rate_hz=self.per_s / _PER_HZ
            )
        span = timedelta(hours=self.hours)
        written = self.per_s * (self.warm_up_s + self.outage_s + self.after_s)
        hz = written / span.total_seconds() / _PER_HZ
        return SimulationOptions(
            seed=self.seed, duration=span, start=(now - span).replace(microsecond=0), rate_hz=round(hz, 4)
        )
