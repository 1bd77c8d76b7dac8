"""Two lanes through one spool: what has just come (live), and what has waited (backlog). Positions only, no events.

The live lane starts at a position; everything before it is backlog. What waits too long in the live
lane becomes backlog, so a live event never stands behind an outage. Each lane keeps its order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Lane = Literal["live", "backlog"]
LANES: Final[tuple[Lane, ...]] = ("live", "backlog")


@dataclass
class Lanes:
    """Where each lane reads on. Begins with everything up to `end` as backlog."""

    end: int

    def __post_init__(self) -> None:
        self.live_from = self.live_next = self.end + 1
        self.backlog_next = 1

    def span(self, lane: Lane, end: int) -> tuple[int, int]:
        """The positions the lane has still to read, both ends included; empty when the first is the greater."""
        return (self.live_next, end) if lane == "live" else (self.backlog_next, self.live_from - 1)

    def pass_by(self, lane: Lane, position: int) -> None:
        """The lane has read up to this position."""
        if lane == "live":
            self.live_next = max(self.live_next, position + 1)
        else:
            self.backlog_next = max(self.backlog_next, position + 1)

    def demote(self, end: int) -> None:
        """What the live lane has not read yet is backlog; the next event to come is live."""
        if self.backlog_next >= self.live_from:
            # Nothing waits in the backlog: it begins where the live lane stopped.
            self.backlog_next = max(self.backlog_next, self.live_next)
        self.live_from = self.live_next = end + 1

    def come_back_to(self, positions: Iterable[int], end: int) -> None:
        """These were not delivered: they, and all that was not read yet, are backlog."""
        lowest = min(positions, default=None)
        self.demote(end)
        if lowest is not None:
            self.backlog_next = min(self.backlog_next, lowest)


class Pace:
    """At most so many a second, in bursts of at most a tenth of a second. Time is an argument, in seconds."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._most = max(1.0, per_s / 10)
        self._tokens = 0.0
        self._at_s: float | None = None

    def allowance(self, now_s: float) -> int:
        """How many may go now."""
        if self._at_s is not None:
            self._tokens = min(self._most, self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return int(self._tokens)

    def spend(self, count: int) -> None:
        """So many went."""
        self._tokens -= count
