"""What waits in the spool, as it is read from it."""

from typing import NamedTuple


class Row(NamedTuple):
    """An event that waits, or a letter, which has headers. Positions grow and are never used twice."""

    position: int
    steady_s: float
    topic: str
    key: str
    value: bytes
    headers: str | None = None
