"""When a crane was off, idle, working, on standby or only on, from `port.crane_status`; exactly one at a time (TIC4.0).

A crane that has gone silent is `unknown`, never idle. One that said it is off is expected to be silent and stays off.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from streams.facts.fact import Row
from streams.facts.intervals import Interval, union

Status = Literal["off", "on", "working", "idle", "standby", "unknown"]

SILENCE: Final = timedelta(minutes=5)
ON: Final[tuple[Status, ...]] = ("on", "working", "idle", "standby")


class StatusInterval(NamedTuple):
    """`status` in [start, end); `on` alone is on with an activity nobody told."""

    status: Status
    start: datetime
    end: datetime


def status_intervals(
    statuses: Sequence[Row], sampled: Iterable[datetime], window: Interval, silence: timedelta = SILENCE
) -> list[StatusInterval]:
    """The whole of `window`, without gaps or overlaps.

    `statuses` in order of (time, event_id), from before the window where there are any; `sampled` are times at which
    the crane sent a sample (one a minute is enough). More than `silence` without either is unknown throughout.
    """
    told = [(row["time"], row["status"]) for row in statuses if row["time"] < window.end]
    signs = sorted({*(at for at, _ in told), *(at for at in sampled if at < window.end), window.end})
    changes = dict(told)
    found: list[StatusInterval] = []
    for one in _stretches(signs, changes, silence, window):
        if found and found[-1].status == one.status and found[-1].end == one.start:
            found[-1] = found[-1]._replace(end=one.end)
        elif one.start < one.end:
            found.append(one)
    return found


def _stretches(
    signs: Sequence[datetime], changes: dict[datetime, Status], silence: timedelta, window: Interval
) -> Iterator[StatusInterval]:
    """From one sign of life to the next, cut to the window."""
    yield StatusInterval("unknown", window.start, max(signs[0], window.start))
    status: Status = "unknown"
    for at, until in pairwise(signs):
        status = changes.get(at, status)
        is_silent = until - at > silence and status != "off"
        yield StatusInterval("unknown" if is_silent else status, max(at, window.start), max(until, window.start))


def times_of(intervals: Iterable[StatusInterval], statuses: Iterable[Status]) -> list[Interval]:
    """When any of `statuses` held, for the interval algebra: `times_of(found, ON)` is when the crane was on."""
    wanted = set(statuses)
    return union(Interval(one.start, one.end) for one in intervals if one.status in wanted)
