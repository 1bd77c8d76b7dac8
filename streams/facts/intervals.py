"""The algebra of half-open intervals [start, end) in UTC: clip, union, intersection, subtraction, attribution.

Everything that is added up over time (delays, availability, utilisation) goes through here, so that an overlap never
counts twice. Results are in order of time, do not touch each other, and have no empty intervals.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple


class Interval(NamedTuple):
    """From `start` on, until right before `end`; aware datetimes."""

    start: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        return max(self.end - self.start, timedelta())


Intervals = Sequence[Interval]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """What any of them covers; those that overlap or touch become one."""
    merged: list[Interval] = []
    for interval in sorted(one for one in intervals if one.start < one.end):
        if merged and interval.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return merged


def intersection(some: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """What both cover."""
    left, right = union(some), union(others)
    shared, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        start, end = max(left[i].start, right[j].start), min(left[i].end, right[j].end)
        if start < end:
            shared.append(Interval(start, end))
        if left[i].end <= right[j].end:
            i += 1
        else:
            j += 1
    return shared


def subtraction(some: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """What `some` cover and `others` do not."""
    left = union(some)
    if not left:
        return []
    whole = Interval(left[0].start, left[-1].end)
    gaps, free_from = [], whole.start
    for taken in clip(others, whole):
        gaps.append(Interval(free_from, taken.start))
        free_from = taken.end
    gaps.append(Interval(free_from, whole.end))
    return intersection(left, gaps)


def clip(intervals: Iterable[Interval], window: Interval) -> list[Interval]:
    """What lies inside `window`."""
    return intersection(intervals, [window])


def total(intervals: Iterable[Interval]) -> timedelta:
    """The time they cover, overlaps once."""
    return sum((interval.duration for interval in union(intervals)), timedelta())


def attribution(causes: Sequence[tuple[str, Iterable[Interval]]]) -> dict[str, list[Interval]]:
    """Each moment given to the first cause that covers it, so that the parts add up to the union.

    `causes` in order of priority; every cause is in the answer.
    """
    taken: list[Interval] = []
    parts: dict[str, list[Interval]] = {}
    for cause, intervals in causes:
        own = union(intervals)
        parts[cause] = union([*parts.get(cause, []), *subtraction(own, taken)])
        taken = union([*taken, *own])
    return parts
