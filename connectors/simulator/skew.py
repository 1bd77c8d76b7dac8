"""Clocks that are wrong for certain, whenever the record is sent: in the year 2100, or counting from 1970 anew."""

from datetime import UTC, datetime
from random import Random
from typing import Final

from connectors.simulator.moments import to_ms
from connectors.simulator.numbering import Letter

_YEAR_MS: Final = 31_536_000_000
_FUTURE_MS: Final = to_ms(datetime(2100, 1, 1, tzinfo=UTC))


def skewed(letter: Letter, dice: Random) -> Letter:
    """The letter with such a time; its place in the year is about kept."""
    base_ms = _FUTURE_MS if dice.getrandbits(1) else 0
    return letter._replace(fact=letter.fact._replace(time_ms=base_ms + letter.fact.time_ms % _YEAR_MS))
