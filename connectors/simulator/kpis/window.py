"""Periods of a site: hours, shifts and days by its offset from UTC, and the whole of a run in full hours."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from connectors.simulator.moments import HOUR_MS
from schemas.reference import Site

Stretch = tuple[int, int]
"""[from, to) in epoch ms."""
DAY_MS: Final = 24 * HOUR_MS


class Window(NamedTuple):
    """A period that begins at `start_ms`; `seen_ms` is its end, or how far an open one has come."""

    by: str
    shift: str | None
    start_ms: int
    end_ms: int
    seen_ms: int

    @property
    def hours(self) -> float:
        return (self.seen_ms - self.start_ms) / HOUR_MS

    def holds(self, at_ms: int | None) -> bool:
        return at_ms is not None and self.start_ms <= at_ms < self.end_ms

    def touches(self, stretch: Stretch) -> bool:
        """Whether any of it lies in what has passed of the period."""
        return stretch[0] < self.seen_ms and stretch[1] > self.start_ms

    def hours_of(self, stretches: Iterable[Stretch]) -> float:
        """Hours of this period in which at least one of the stretches holds."""
        cut = [(max(since, self.start_ms), min(until, self.seen_ms)) for since, until in stretches]
        return sum(until - since for since, until in union(cut)) / HOUR_MS


def windows(site: Site, since_ms: int, newest_ms: int) -> Iterator[Window]:
    """Every period in which anything of [since, newest] lies, and the hours around all of it as one (`period`)."""
    offset_ms = round(site.utc_offset.total_seconds() * 1000)
    shifts = [(shift.name, *_span(shift.start, shift.end)) for shift in site.shifts]
    patterns: list[tuple[str, str | None, int, int, int]] = [
        ("hour", None, HOUR_MS, 0, HOUR_MS),
        ("day", None, DAY_MS, 0, DAY_MS),
    ]
    patterns += [("shift", name, DAY_MS, start, end) for name, start, end in shifts]
    for by, shift, every_ms, from_ms, to_ms in patterns:
        first = (since_ms + offset_ms) // every_ms - 1
        for number in range(first, (newest_ms + offset_ms) // every_ms + 1):
            zero_ms = number * every_ms - offset_ms
            if zero_ms + to_ms > since_ms and zero_ms + from_ms <= newest_ms:
                yield _window(by, shift, (zero_ms + from_ms, zero_ms + to_ms), newest_ms)
    yield whole(since_ms, newest_ms)


def whole(since_ms: int, newest_ms: int) -> Window:
    """The full hours (of UTC) around a run."""
    span = (since_ms // HOUR_MS * HOUR_MS, (newest_ms // HOUR_MS + 1) * HOUR_MS)
    return _window("period", None, span, newest_ms)


def union(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same time, each moment once."""
    joined: list[Stretch] = []
    for since, until in sorted(one for one in stretches if one[0] < one[1]):
        if joined and since <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], until)
        else:
            joined.append((since, until))
    return joined


def without(stretches: Iterable[Stretch], taken: Iterable[Stretch]) -> list[Stretch]:
    """What is left of the one after the other is taken away."""
    left = union(stretches)
    for since, until in taken:
        left = [piece for a, b in left for piece in ((a, min(b, since)), (max(a, until), b)) if piece[0] < piece[1]]
    return left


def _window(by: str, shift: str | None, span: Stretch, newest_ms: int) -> Window:
    start_ms, end_ms = span
    return Window(by, shift, start_ms, end_ms, max(start_ms, min(end_ms, newest_ms)))


def _span(start: timedelta, end: timedelta) -> Stretch:
    from_ms, to_ms = (round(one.total_seconds() * 1000) for one in (start, end))
    return from_ms, to_ms if to_ms > from_ms else to_ms + DAY_MS
