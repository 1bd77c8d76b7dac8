"""Motion along one axis: trapezoids of speed, and an axis that follows one after another."""

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple


class Pace(NamedTuple):
    """The speed and acceleration an axis is driven with."""

    speed_mps: float
    acceleration_mps2: float


@dataclass(frozen=True, slots=True)
class Travel:
    """From `start_m` to `end_m`: speed up, cruise, slow down (or a triangle, where the way is too short to cruise)."""

    start_m: float
    end_m: float
    pace: Pace

    @property
    def _distance_m(self) -> float:
        return abs(self.end_m - self.start_m)

    @property
    def _ramp_s(self) -> float:
        speed, acceleration = self.pace
        return min(speed / acceleration, math.sqrt(self._distance_m / acceleration))

    @property
    def duration_s(self) -> float:
        """How long it takes."""
        ramp_s = self._ramp_s
        if ramp_s == 0:
            return 0.0
        return self._distance_m / (self.pace.acceleration_mps2 * ramp_s) + ramp_s

    def reading(self, after_s: float) -> tuple[float, float]:
        """Position (m) and signed speed (m/s) `after_s` seconds into it."""
        duration_s, ramp_s = self.duration_s, self._ramp_s
        if after_s >= duration_s:
            return self.end_m, 0.0
        if after_s <= 0:
            return self.start_m, 0.0
        sign = 1.0 if self.end_m > self.start_m else -1.0
        acceleration = self.pace.acceleration_mps2
        if after_s < ramp_s:
            return self.start_m + sign * acceleration * after_s**2 / 2, sign * acceleration * after_s
        left_s = duration_s - after_s
        if left_s < ramp_s:
            return self.end_m - sign * acceleration * left_s**2 / 2, sign * acceleration * left_s
        top = acceleration * ramp_s
        return self.start_m + sign * top * (after_s - ramp_s / 2), sign * top


class Axis:
    """One driven axis: travels are entered in order of time, readings are taken in order of time."""

    def __init__(self, rest_m: float) -> None:
        self.target_m = rest_m
        self._position_m = rest_m
        self._ahead: deque[tuple[float, float, Travel]] = deque()

    def move(self, at_s: float, travel: Travel) -> float:
        """Enter a travel that begins `at_s`; the second at which it has ended."""
        self.target_m = travel.end_m
        end_s = at_s + travel.duration_s
        self._ahead.append((at_s, end_s, travel))
        return end_s

    def reading(self, at_s: float) -> tuple[float, float]:
        """Position (m) and signed speed (m/s)."""
        ahead = self._ahead
        while ahead and ahead[0][1] <= at_s:
            self._position_m = ahead.popleft()[2].end_m
        if not ahead or at_s <= ahead[0][0]:
            return self._position_m, 0.0
        begin_s, _, travel = ahead[0]
        return travel.reading(at_s - begin_s)
