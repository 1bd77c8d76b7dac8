"""The dead-letter bound: when a partition's records are mostly poison, stop it instead of draining it away."""

from collections import deque
from collections.abc import Sequence

from streams.core.domain import Limits


class Bound:
    """Follows one partition: poison in a row, and its share of the last records."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._run = 0
        self._window: deque[tuple[int, int]] = deque()
        self._records = 0
        self._poison = 0

    def crossing(self, poison: Sequence[int]) -> int | None:
        """How many of the next records may pass before the bound is crossed; None when all may.

        `poison` holds the positions of poison records, ascending. Nothing is remembered: see `passed`.
        """
        allowed = self._limits.dead_letter_share * self._limits.dead_letter_window - self._poison
        run, previous = self._run, -1
        for count, position in enumerate(poison, start=1):
            run = run + 1 if position == previous + 1 else 1
            previous = position
            if run >= self._limits.dead_letter_run or count > allowed:
                return position + 1
        return None

    def passed(self, records: int, poison: Sequence[int]) -> None:
        """Remember records that were let through."""
        self._run = self._trailing(records, poison)
        self._window.append((records, len(poison)))
        self._records += records
        self._poison += len(poison)
        while self._records - self._window[0][0] >= self._limits.dead_letter_window:
            old_records, old_poison = self._window.popleft()
            self._records -= old_records
            self._poison -= old_poison

    def _trailing(self, records: int, poison: Sequence[int]) -> int:
        trailing = 0
        for position in reversed(poison):
            if position != records - 1 - trailing:
                return trailing
            trailing += 1
        return self._run + trailing if trailing == records else trailing
