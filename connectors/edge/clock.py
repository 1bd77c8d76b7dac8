"""Two clocks: what time it is (for `recordedtime`), and a steady one that no step of the first can move (for ages)."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

STEP_S: Final = 1.0


class Clock:
    """The steady clock starts at the wall clock and then follows the monotonic one; it never runs backwards.

    It is kept in the spool with each event, so a restart goes on from the newest it finds (`not_before`).
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset_s = wall() - monotonic()
        self._expected_offset_s = self._offset_s

    def not_before(self, steady_s: float) -> None:
        """Never again tell a steady time before this one."""
        self._offset_s = max(self._offset_s, steady_s - self._monotonic())

    def steady_s(self) -> float:
        """Seconds, comparable with what was kept."""
        return self._monotonic() + self._offset_s

    def now(self) -> datetime:
        """What the host says it is, in UTC: right after a correction, wrong before it."""
        return datetime.fromtimestamp(self._wall(), UTC)

    def step_s(self) -> float:
        """How far the wall clock has jumped since this was last asked; 0 for less than `STEP_S`."""
        offset_s = self._wall() - self._monotonic()
        step_s = offset_s - self._expected_offset_s
        if abs(step_s) < STEP_S:
            return 0.0
        self._expected_offset_s = offset_s
        return step_s
