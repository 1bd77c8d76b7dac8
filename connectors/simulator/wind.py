"""The wind of one site: a slow wander around a mean, and now and then a storm of 10 to 60 minutes."""

from random import Random
from typing import Final

from connectors.simulator.moments import MINUTE_MS

STOP_MPS: Final = 20.0
RESUME_MPS: Final = 18.0
_MEAN_MPS: Final = 6.0
_PULL: Final = 0.08
_WANDER_MPS: Final = 0.55
_STORM_CHANCE_PER_MINUTE: Final = 1 / (18 * 60)


class Wind:
    """One value a minute from `start_ms` on, straight lines between them."""

    def __init__(self, dice: Random, start_ms: int) -> None:
        self._dice = dice
        self._start_ms = start_ms
        self._calm_mps = _MEAN_MPS
        self._storm: list[float] = []
        self._minutes: list[float] = []

    def at(self, time_ms: int) -> float:
        """Mean speed in m/s."""
        minute, rest_ms = divmod(max(time_ms - self._start_ms, 0), MINUTE_MS)
        while len(self._minutes) < minute + 2:
            self._minutes.append(self._next_minute())
        share = rest_ms / MINUTE_MS
        return self._minutes[minute] * (1 - share) + self._minutes[minute + 1] * share

    def _next_minute(self) -> float:
        dice = self._dice
        self._calm_mps += (_MEAN_MPS - self._calm_mps) * _PULL + dice.gauss(0, _WANDER_MPS)
        if not self._storm and dice.random() < _STORM_CHANCE_PER_MINUTE:
            self._storm = _storm(dice)
        extra_mps = self._storm.pop() if self._storm else 0.0
        return max(self._calm_mps, 0.3) + extra_mps


def _storm(dice: Random) -> list[float]:
    """What a storm adds, minute by minute: it rises, stays and falls."""
    minutes = dice.randint(10, 60)
    peak_mps = dice.uniform(11, 20)
    return [peak_mps * min(1.0, (i + 1) / 5, (minutes - i) / 5) for i in range(minutes)]
