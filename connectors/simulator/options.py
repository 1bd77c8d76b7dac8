"""What a simulation depends on: seed, start, duration, sampling rate and faults. Equal options give equal bytes."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.simulator.scenarios import read_scenario
from schemas.errors import ConfigurationError
from schemas.reference.trial import trial_sites

FAULTS: Final = (
    "duplicates",
    "reordering",
    "lateness",
    "loss",
    "clock_skew",
    "poison",
    "gateway_restart",
    "sequence_conflict",
)
DEFAULT_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULT_RATE_HZ: Final = 2.0
LOWEST_HZ: Final = 0.01
HIGHEST_HZ: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOptions:
    """`rate_hz` is how often a quay crane and a modem are sampled; a yard crane is at half of it.

    `scenario` plays that (scenarios/) instead of the whole port; `sites` as many sites (schemas/reference/trial.py)
    instead of the declared ones.

    Raises ConfigurationError for values that no port could be played with.
    """

    seed: int
    duration: timedelta
    start: datetime = DEFAULT_START
    rate_hz: float = DEFAULT_RATE_HZ
    faults: frozenset[str] = frozenset()
    scenario: str | None = None
    sites: int | None = None

    def __post_init__(self) -> None:
        if self.duration < timedelta(seconds=1):
            raise ConfigurationError(f"duration {self.duration} is too short: write at least 1s")
        if self.start.tzinfo is None:
            raise ConfigurationError(f"start {self.start} has no offset: write it as 2026-01-01T00:00:00Z")
        if not LOWEST_HZ <= self.rate_hz <= HIGHEST_HZ:
            raise ConfigurationError(f"rate-hz {self.rate_hz} is out of range: write {LOWEST_HZ} to {HIGHEST_HZ}")
        if self.scenario is not None:
            read_scenario(self.scenario)
        if self.sites is not None:
            if self.scenario is not None:
                raise ConfigurationError("a scenario is played at one site: take away --sites or --scenario")
            trial_sites(self.sites)
        if unknown := sorted(self.faults - set(FAULTS)):
            raise ConfigurationError(f"unknown fault {', '.join(unknown)}: choose from {', '.join(FAULTS)}, all, none")

    @property
    def run(self) -> str:
        """The name of the run: ten hexadecimal digits that follow from the options."""
        start = self.start.astimezone(UTC).isoformat()
        played = () if self.scenario is None else (f"scenario {self.scenario}",)
        many = () if self.sites is None else (f"sites {self.sites}",)
        parts = (self.seed, start, self.duration.total_seconds(), self.rate_hz, *sorted(self.faults), *played, *many)
        return hashlib.blake2b(repr(parts).encode(), digest_size=5).hexdigest()


def parse_faults(text: str) -> frozenset[str]:
    """`all`, `none` or names with commas; unknown names are refused by `SimulationOptions`."""
    if text == "all":
        return frozenset(FAULTS)
    if text == "none":
        return frozenset()
    return frozenset(name.strip().replace("-", "_") for name in text.split(",") if name.strip())
