"""How a machine moves: its stretches of standing still or creeping, each while landed, locked or neither.

Speeds are shares of the machine's own usual speed on that axis, empty and laden by themselves: its own past is the
scale, nobody has to declare it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.attribution import METHOD, Method

Numbers = npt.NDArray[np.float64]
AXES: Final = ("hoist_speed_mps", "trolley_speed_mps", "gantry_speed_mps")
_USUAL: Final = 90.0  # percentile of the speeds while moving
_MOVES_MPS: Final = 0.02
_GAP_S: Final = 10.0


class Run(NamedTuple):
    """A stretch without normal motion; `phase` = (landed, locked).

    [from_s, until_s) is all of it, [stops_s, rises_s) from where it stands still first to where it does last (all of
    it where it only creeps): speeding up and slowing down belong to the motion, not to the stop.
    """

    from_s: float
    until_s: float
    stops_s: float
    rises_s: float
    phase: tuple[bool, bool]
    after_motion: bool
    """Whether the machine moved before it: else it begins with a flag, or a gap."""

    @property
    def length_s(self) -> float:
        return self.rises_s - self.stops_s

    @property
    def is_landed(self) -> bool:
        return self.phase[0]


@dataclass(frozen=True, slots=True)
class Motion:
    """`share` is the fastest axis as a share of its usual speed, per sample."""

    time_s: Numbers
    share: Numbers
    runs: Sequence[Run]
    step_s: float

    def creep_s(self, from_s: float, until_s: float, method: Method = METHOD) -> tuple[float, float]:
        """The longest stretch of creeping between two moments, and what it was short of the usual speed (s)."""
        first, last = np.searchsorted(self.time_s, [from_s, until_s])
        best, best_lost, length, lost = 0.0, 0.0, 0.0, 0.0
        for at in range(first, min(last, len(self.time_s) - 1)):
            share, step = float(self.share[at]), float(self.time_s[at + 1] - self.time_s[at])
            if method.still < share < method.creep and step <= _GAP_S:
                length, lost = length + step, lost + step * (1 - share)
                if length > best:
                    best, best_lost = length, lost
            else:
                length, lost = 0.0, 0.0
        return best, best_lost


def motion_of(
    time_s: Numbers,
    speeds: Sequence[Numbers],
    landed: npt.NDArray[np.int8],
    locked: npt.NDArray[np.int8],
    method: Method = METHOD,
) -> Motion | None:
    """None where nothing says how it moves. Unknown flags (-1) count as not set."""
    if len(time_s) < 2 or all(np.isnan(speed).all() for speed in speeds):
        return None
    is_landed, is_locked = landed == 1, locked == 1
    share = np.zeros(len(time_s))
    for speed in speeds:
        fast = np.nan_to_num(np.abs(speed))
        for laden in (False, True):
            some = is_locked == laden
            moving = fast[some & (fast > _MOVES_MPS)]
            if len(moving):
                share[some] = np.maximum(share[some], fast[some] / np.percentile(moving, _USUAL))
    return Motion(time_s, share, _runs(time_s, share, is_landed, is_locked, method), float(np.median(np.diff(time_s))))


def _runs(
    time_s: Numbers, share: Numbers, landed: npt.NDArray[np.bool_], locked: npt.NDArray[np.bool_], method: Method
) -> list[Run]:
    slow = share < method.creep
    turns = np.flatnonzero(
        (slow[1:] != slow[:-1]) | (landed[1:] != landed[:-1]) | (locked[1:] != locked[:-1]) | (np.diff(time_s) > _GAP_S)
    )
    firsts = np.concatenate(([0], turns + 1))
    ends = np.concatenate((turns + 1, [len(time_s) - 1]))
    runs = []
    for first, end in zip(firsts.tolist(), ends.tolist(), strict=True):
        if not slow[first] or end <= first:
            continue
        from_s = float(time_s[first])
        stands = first + np.flatnonzero(share[first:end] <= method.still)
        until_s = _after(time_s, end - 1)
        stops_s, rises_s = (float(time_s[stands[0]]), _after(time_s, stands[-1])) if len(stands) else (from_s, until_s)
        phase = (bool(landed[first]), bool(locked[first]))
        runs.append(Run(from_s, until_s, stops_s, rises_s, phase, bool(first > 0 and not slow[first - 1])))
    return runs


def _after(time_s: Numbers, at: int) -> float:
    """When a sample's time is over: the next one comes, or a gap begins."""
    return min(float(time_s[at + 1]), float(time_s[at]) + _GAP_S)
