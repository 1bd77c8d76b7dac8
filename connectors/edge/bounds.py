"""How much the spool may hold, and what happens when it is full: data, with the default that loses nothing."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

WhenFull = Literal["refuse", "drop_oldest"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`max_bytes` of events as they are sent; `max_age` of the oldest since it was recorded.

    `refuse`: the source is told no until there is room. `drop_oldest`: the oldest make room, each one
    counted and its number kept as a gap. Nothing is ever dropped unless this was asked for.
    """

    max_bytes: int = 1024**3
    max_age: timedelta = timedelta(days=30)
    when_full: WhenFull = "refuse"


@dataclass(frozen=True, slots=True)
class Held:
    """What the spool holds: events, bytes of them, and the age of the oldest in seconds (0 when empty)."""

    events: int
    bytes: int
    oldest_age_s: float
