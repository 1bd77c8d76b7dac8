"""Whether order was kept per lane: what arrived first of each stream must be two growing rows of numbers, laid into one.

Which lane an event took, Kafka does not know. But two lanes that each keep their order can give nothing else, and a lane that
does not gives three numbers that fall.
"""

from collections.abc import Hashable
from typing import NamedTuple


class Arrivals(NamedTuple):
    """What Kafka holds: records, distinct events, and events that neither lane can have sent there."""

    records: int
    events: int
    out_of_order: int


class Order:
    """Fed with every record in the order of its partition."""

    def __init__(self) -> None:
        self._records = 0
        self._out_of_order = 0
        self._seen: dict[Hashable, set[int]] = {}
        self._ends: dict[Hashable, tuple[int, int]] = {}
        self._unnumbered: set[Hashable] = set()

    def add_unnumbered(self, name: Hashable) -> None:
        """An event without a number: it is there, whenever it came."""
        self._records += 1
        self._unnumbered.add(name)

    def add(self, stream: Hashable, number: int) -> None:
        """A repeat says nothing about order."""
        self._records += 1
        seen = self._seen.setdefault(stream, set())
        if number in seen:
            return
        seen.add(number)
        ahead, behind = self._ends.get(stream, (-1, -1))
        if number > ahead:
            self._ends[stream] = (number, behind)
        elif number > behind:
            self._ends[stream] = (ahead, number)
        else:
            self._out_of_order += 1

    def result(self) -> Arrivals:
        """Of all that was added."""
        events = sum(map(len, self._seen.values())) + len(self._unnumbered)
        return Arrivals(self._records, events, self._out_of_order)
