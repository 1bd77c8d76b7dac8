"""Rows in an order that does not depend on their arrival, and whole microseconds between moments.

Folds count in microseconds and turn into seconds last, so that parts of a whole add up exactly.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from streams.facts.fact import Row

MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def told_once(rows: Iterable[Row], what: Sequence[str], rank: Callable[[Row], int]) -> list[Row]:
    """Rows by time, then by rank, then by identity.

    Rows alike in time and in all columns of `what` are one thing told twice (a re-send under a new id) and kept once.
    """
    kept: dict[tuple[object, ...], Row] = {}
    for row in sorted(rows, key=lambda row: (row["time"], rank(row), row["source"], row["event_id"])):
        kept.setdefault((row["time"], *(row.get(column) for column in what)), row)
    return list(kept.values())


def us_between(start: datetime, end: datetime) -> int:
    """Microseconds from `start` to `end`."""
    return (end - start) // MICROSECOND


def epoch_us(moment: datetime) -> int:
    """Microseconds since 1970."""
    return us_between(_EPOCH, moment)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, as ids carry them."""
    return epoch_us(moment) // 1_000


def seconds(us: int) -> float:
    """Microseconds as seconds: exact to the microsecond, so that rounding back gives the same count."""
    return us / 1_000_000


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from `start` to `end`; None where one is missing or the clocks contradict each other (end first)."""
    if start is None or end is None or end < start:
        return None
    return seconds(us_between(start, end))


def is_past(patience: timedelta, last_at: datetime, as_of: datetime) -> bool:
    """Whether nothing has been heard for longer than `patience`, so that the thing is closed by age."""
    return as_of - last_at >= patience
