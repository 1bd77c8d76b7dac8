"""How long, how fast, how often: the numbers of one drill, and the simulated port that follows from them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.simulator import SimulationOptions

# Records a second of the simulated port at 1 Hz, of which nearly all are samples.
_PER_HZ: Final = 37.6
_WARM_UP_S: Final = 6.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`after_s`: how long the port goes on when the broker is back. `hours`: of event time in the data; 0 = as it happens."""

    outage_s: float = 240.0
    kills: int = 20
    per_s: float = 2_000.0
    after_s: float = 120.0
    hours: float = 0.0
    seed: int = 7

    @property
    def span_s(self) -> float:
        """From the first line written to the last."""
        return _WARM_UP_S + self.outage_s + self.after_s

    @property
    def outage_from_s(self) -> float:
        """When the broker goes, after the first line."""
        return _WARM_UP_S

    @property
    def is_live(self) -> bool:
        """Whether events happen when they are written."""
        return self.hours == 0

    def simulation(self, begin: datetime) -> SimulationOptions:
        """The port that writes as many records; it begins at `begin`, or ends there where its time is not ours."""
        duration = timedelta(seconds=self.span_s) if self.is_live else timedelta(hours=self.hours)
        start = begin if self.is_live else begin - duration
        hz = self.per_s * self.span_s / duration.total_seconds() / _PER_HZ
        return SimulationOptions(
            seed=self.seed, duration=duration, start=start.astimezone(UTC).replace(microsecond=0), rate_hz=round(hz, 4)
        )
