"""The dead-letter bound: when a partition's records are mostly poison, stop it instead of draining it away."""

from collections import deque
from collections.abc import Sequence

from streams.core.domain import Limits


class Bound:
    """Follows one partition: poison in a row, and its share of the last records.

    Records are counted from 0; `_poison` holds the numbers of poison records inside the window.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._most = limits.dead_letter_share * limits.dead_letter_window
        self._run = 0
        self._count = 0
        self._poison: deque[int] = deque()

    def crossing(self, poison: Sequence[int]) -> int | None:
        """How many of the next records may pass before the bound is crossed; None when all may.

        `poison` holds the positions of poison records, ascending. Nothing is remembered: see `passed`.
        """
        run, previous, forgotten = self._run, -1, 0
        known = [*self._poison, *(self._count + position for position in poison)]
        for count, position in enumerate(poison, start=len(self._poison) + 1):
            run = run + 1 if position == previous + 1 else 1
            previous = position
            oldest = self._count + position - self._limits.dead_letter_window
            while known[forgotten] <= oldest:
                forgotten += 1
            if run >= self._limits.dead_letter_run or count - forgotten > self._most:
                return position + 1
        return None

    def passed(self, records: int, poison: Sequence[int]) -> None:
        """Remember records that were let through."""
        self._run = self._trailing(records, poison)
        self._poison.extend(self._count + position for position in poison)
        self._count += records
        while self._poison and self._poison[0] < self._count - self._limits.dead_letter_window:
            self._poison.popleft()

    def _trailing(self, records: int, poison: Sequence[int]) -> int:
        trailing = 0
        for position in reversed(poison):
            if position != records - 1 - trailing:
                return trailing
            trailing += 1
        return self._run + trailing if trailing == records else trailing
