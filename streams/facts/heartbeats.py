"""Silence of a cell: a heartbeat is lost when none comes for some of its own intervals, and regained with the next one.

Judged by event times, at the end of what is known by the newest event time of the site. Before its first heartbeat a
cell is not silent: one that never sent any raises nothing.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.alarms import load_alarm_rules


class Beat(NamedTuple):
    """One heartbeat: the next is due within `interval_s`."""

    time: datetime
    interval_s: float

    @property
    def deadline(self) -> datetime:
        """Silence until after this moment is a loss, from this moment on."""
        return self.time + load_alarm_rules().deadline(self.interval_s)


Loss = tuple[datetime, bool]
"""A moment, and whether the heartbeat was lost (True) or regained (False) then."""


def losses(beats: Iterable[Beat], as_of: datetime | None, patience: timedelta) -> Iterator[Loss]:
    """Losses and regains among beats in order of time; a loss that has not ended where `as_of` is past the last deadline.

    What comes back after more than `patience` clears nothing: that loss was closed by age.
    """
    last: Beat | None = None
    for beat in beats:
        if last is not None:
            yield from between(last, beat, patience)
        last = beat
    if last is not None and as_of is not None and as_of > last.deadline:
        yield last.deadline, True


def between(last: Beat, beat: Beat, patience: timedelta) -> Iterator[Loss]:
    """The loss between two beats that follow each other, if there is one."""
    if beat.time > last.deadline:
        yield last.deadline, True
        if beat.time - last.deadline <= patience:
            yield beat.time, False
