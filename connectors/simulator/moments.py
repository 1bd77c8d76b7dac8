"""Simulated time: epoch milliseconds inside, RFC 3339 text on the wire."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000


def to_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware moment."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The aware UTC moment of epoch milliseconds."""
    return EPOCH + timedelta(milliseconds=ms)


def rfc3339(ms: int, offset_s: int = 0) -> str:
    """`2026-01-01T07:00:00.250+07:00`, or with `Z` where the offset is 0. Whole minutes of offset only."""
    second, milliseconds = divmod(ms, SECOND_MS)
    return f"{_second(second + offset_s)}.{milliseconds:03d}{_suffix(offset_s)}"


@lru_cache(maxsize=8192)
def _second(second: int) -> str:
    return (EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=64)
def _suffix(offset_s: int) -> str:
    if offset_s == 0:
        return "Z"
    hours, minutes = divmod(abs(offset_s) // 60, 60)
    return f"{'-' if offset_s < 0 else '+'}{hours:02d}:{minutes:02d}"
