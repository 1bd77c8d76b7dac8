"""What is on its way to the broker: records with the moment they are sent, and what is to become of each."""

import heapq
from collections.abc import Iterator
from itertools import count
from typing import Literal, NamedTuple

from connectors.simulator.envelope import Rendered
from connectors.simulator.numbering import Letter
from schemas.outcome import Reason

Fate = Literal["accepted", "duplicate"] | Reason


class Sending(NamedTuple):
    """A record, when it is sent, its fate, and the letter in it (None: nobody can read one out of it)."""

    send_ms: int
    record: Rendered
    fate: Fate
    letter: Letter | None


class Outbox:
    """Sendings by time; ties keep the order in which they were put."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Sending]] = []
        self._order = count()

    def put(self, sending: Sending) -> None:
        heapq.heappush(self._heap, (sending.send_ms, next(self._order), sending))

    def due(self, until_ms: int) -> Iterator[Sending]:
        """Take out what is sent up to `until_ms`; more may be put meanwhile."""
        heap = self._heap
        while heap and heap[0][0] <= until_ms:
            yield heapq.heappop(heap)[2]
