"""Planned time and the time it takes: what hinders a machine stretches the plan, and nothing else about it changes."""

from bisect import bisect_right
from typing import NamedTuple


class _Piece(NamedTuple):
    """From second `at_s` on, `planned_s` of the plan is done, and it goes on at `speed` (1 = as planned)."""

    at_s: float
    planned_s: float
    speed: float


class Warp:
    """Where a plan stands at a second. Speeds are entered in the order of time, ahead of what is asked."""

    def __init__(self) -> None:
        self._pieces = [_Piece(0.0, 0.0, 1.0)]

    def go(self, at_s: float, speed: float) -> None:
        """From second `at_s` on, the plan goes on at `speed`: 0 stands still, 1 is as planned."""
        self._pieces.append(_Piece(at_s, self.planned(at_s), speed))

    def planned(self, at_s: float) -> float:
        """The second of the plan that is played at second `at_s`."""
        piece = self._at(at_s)
        return piece.planned_s + (at_s - piece.at_s) * piece.speed

    def speed(self, at_s: float) -> float:
        """How fast the plan goes at second `at_s`."""
        return self._at(at_s).speed

    def real(self, planned_s: float) -> float:
        """The first second at which `planned_s` of the plan is done. Raises ValueError where it stands still before."""
        found = bisect_right(self._pieces, planned_s, key=lambda piece: piece.planned_s) - 1
        while found > 0 and self._pieces[found].planned_s >= planned_s:
            found -= 1
        piece = self._pieces[found]
        if piece.speed == 0:
            raise ValueError(f"the plan stands still before its second {planned_s}")
        return piece.at_s + (planned_s - piece.planned_s) / piece.speed

    def _at(self, at_s: float) -> _Piece:
        found = bisect_right(self._pieces, at_s, key=lambda piece: piece.at_s) - 1
        return self._pieces[max(found, 0)]
