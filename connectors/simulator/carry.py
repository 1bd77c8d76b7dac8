"""Carrying a spreader from one place to another: up, across, down, overlapping as an operator drives it."""

from dataclasses import dataclass
from typing import NamedTuple

from connectors.simulator.motion import Axis, Pace, Travel

_UP_BEFORE_ACROSS = 0.6
_ACROSS_BEFORE_DOWN = 0.75


class Spot(NamedTuple):
    """A place of the spreader: along the trolley's rail, and above the ground (m)."""

    trolley_m: float
    hoist_m: float


class Drive(NamedTuple):
    """How fast the machine hoists and trolleys."""

    hoist: Pace
    trolley: Pace


@dataclass(frozen=True, slots=True)
class Carry:
    """The three travels, and when the later ones begin (seconds after the first)."""

    up: Travel
    across: Travel
    down: Travel

    @property
    def across_at_s(self) -> float:
        return self.up.duration_s * _UP_BEFORE_ACROSS

    @property
    def down_at_s(self) -> float:
        """Not before it is up, and not before most of the way across."""
        return max(self.up.duration_s, self.across_at_s + self.across.duration_s * _ACROSS_BEFORE_DOWN)

    @property
    def duration_s(self) -> float:
        """Without any waiting."""
        return max(self.across_at_s + self.across.duration_s, self.down_at_s + self.down.duration_s)

    def enter(self, at_s: float, hover_s: float, hoist: Axis, trolley: Axis) -> float:
        """Enter the travels from `at_s` on, hovering `hover_s` before the descent; the second of arrival."""
        hoist.move(at_s, self.up)
        across_s = trolley.move(at_s + self.across_at_s, self.across)
        down_s = hoist.move(at_s + self.down_at_s + hover_s, self.down)
        return max(across_s, down_s)


def carry(origin: Spot, target: Spot, clearance_m: float, drive: Drive) -> Carry:
    """The way from `origin` to `target`, at least `clearance_m` above the higher of the two."""
    top_m = max(origin.hoist_m, target.hoist_m) + clearance_m
    return Carry(
        Travel(origin.hoist_m, top_m, drive.hoist),
        Travel(origin.trolley_m, target.trolley_m, drive.trolley),
        Travel(top_m, target.hoist_m, drive.hoist),
    )
