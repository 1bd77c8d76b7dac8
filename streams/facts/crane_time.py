"""A crane's time from `port.crane_assignment` and `port.crane_fault`: allocated, logged on, delayed, broken down."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from streams.facts.fact import Row
from streams.facts.intervals import Interval, Intervals, clip, union

CAUSES: Final = ("weather", "breakdown", "planned_break", "carrier_not_ready", "no_transport", "other")
"""Causes of delays in order of priority: where delays overlap, the time is the first one's."""

CAUSE_BY_CODE: Final[Mapping[str, str]] = {
    "WEA": "weather",
    "FOR": "weather",
    "BRK": "breakdown",
    "MEA": "planned_break",
    "PLA": "planned_break",
    "CAR": "carrier_not_ready",
    "TRK": "no_transport",
}
"""Delay codes by cause; any other code is `other`. Codes are local: sites pass their own mapping."""


@dataclass(frozen=True, slots=True)
class CraneTime:
    """Disjoint intervals in order; `delays` has every cause of CAUSES, and causes may overlap each other."""

    allocated: Intervals
    logged_on: Intervals
    delays: Mapping[str, Intervals]


def crane_time(
    assignments: Sequence[Row], window: Interval, cause_by_code: Mapping[str, str] = CAUSE_BY_CODE
) -> CraneTime:
    """The time in `window` from rows in order of (time, event_id), those before the window included.

    What was not ended lasts until the window's end; what ends without a start (a row before retention) had begun
    before the window. A second start of the same thing does not restart it.
    """
    delays: dict[str, list[Interval]] = {cause: [] for cause in CAUSES}
    for code, found in _paired(assignments, "delay_start", "delay_end", lambda row: row.get("delay_code")).items():
        delays[cause_by_code.get(str(code), "other")].extend(_within(found, window))
    return CraneTime(
        _all(_paired(assignments, "allocated", "released", lambda row: row["call_id"]), window),
        _all(_paired(assignments, "logged_on", "logged_off", lambda row: row["call_id"]), window),
        {cause: union(found) for cause, found in delays.items()},
    )


def stops(faults: Sequence[Row], window: Interval) -> list[Interval]:
    """Each stretch in which a fault with `stops_work` was active; stops that overlap are one failure."""
    relevant = [{**row, "state": "up" if row["active"] else "down"} for row in faults if row.get("stops_work")]
    return _all(_paired(relevant, "up", "down", lambda row: row["code"]), window)


_Open = tuple[datetime | None, datetime | None]


def _paired(rows: Iterable[Row], start: str, end: str, what: Callable[[Row], Hashable]) -> dict[Hashable, list[_Open]]:
    """Starts and ends of the same thing, by thing; None where one was never told."""
    begun: dict[Hashable, datetime] = {}
    found: dict[Hashable, list[_Open]] = {}
    for row in rows:
        thing = what(row)
        if row["state"] == start:
            begun.setdefault(thing, row["time"])
        elif row["state"] == end and (thing in begun or thing not in found):
            found.setdefault(thing, []).append((begun.pop(thing, None), row["time"]))
    for thing, since in begun.items():
        found.setdefault(thing, []).append((since, None))
    return found


def _within(found: Iterable[_Open], window: Interval) -> list[Interval]:
    return clip((Interval(start or window.start, end or window.end) for start, end in found), window)


def _all(found: Mapping[Hashable, list[_Open]], window: Interval) -> list[Interval]:
    return union(one for pairs in found.values() for one in _within(pairs, window))
