"""Which part of a table a check looks at: everything, or some hours of one day. As a condition and its arguments."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

EVER = datetime(9999, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Period(NamedTuple):
    """From `since` on, before `until`: what facts are looked at by."""

    since: datetime = LONG_AGO
    until: datetime = EVER


@dataclass(frozen=True, slots=True)
class Span:
    """Hours of the event time, all of one day (UTC). Its condition takes three arguments, from the `first` on."""

    hours: tuple[datetime, ...]

    def __post_init__(self) -> None:
        if not self.hours:
            raise ValueError("a span has at least one hour")

    @property
    def args(self) -> tuple[Any, ...]:
        """What the three arguments are."""
        return min(self.hours), max(self.hours) + HOUR, list(self.hours)

    def where(self, first: int = 1, column: str = "time") -> str:
        """The condition; the range lets TimescaleDB leave out the chunks that hold none of it."""
        return in_hours(first, column)


@dataclass(frozen=True, slots=True)
class Everything:
    """No bound."""

    @property
    def args(self) -> tuple[Any, ...]:
        """None."""
        return ()

    def where(self, first: int = 1, column: str = "time") -> str:  # noqa: ARG002  (as a span's)
        """Always true."""
        return "true"


Where = Span | Everything
EVERYTHING = Everything()


def in_hours(first: int = 1, column: str = "time") -> str:
    """The condition of a span, whichever its hours."""
    inside = f"{column} >= ${first} AND {column} < ${first + 1}"
    return f"{inside} AND time_bucket(INTERVAL '1 hour', {column}) = ANY(${first + 2}::timestamptz[])"


def day_of(moment: datetime) -> datetime:
    """The day (UTC) that a moment lies in."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def whole_day(day: datetime) -> Span:
    """All hours of a day."""
    return Span(tuple(day + hour * HOUR for hour in range(24)))


def by_day(hours: Iterable[datetime]) -> dict[datetime, Span]:
    """Hours as spans, oldest day first."""
    days: dict[datetime, list[datetime]] = {}
    for hour in sorted(set(hours)):
        days.setdefault(day_of(hour), []).append(hour)
    return {day: Span(tuple(several)) for day, several in days.items()}
