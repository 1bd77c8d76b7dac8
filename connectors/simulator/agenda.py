"""The agenda: everything that will happen, in the order of time. Ties keep the order in which they were entered."""

import heapq
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from connectors.simulator.facts import Fact

_Entry = tuple[int, int, Fact | None, Callable[[], None] | None]


class Agenda:
    """Facts by time until `end_ms` (excluded). Actors are followed lazily; single facts and calls are entered ahead.

    While a fact of some time is being handed out, only what is not earlier may be entered.
    """

    def __init__(self, end_ms: int) -> None:
        self._end_ms = end_ms
        self._heap: list[_Entry] = []
        self._order = count()

    def post(self, fact: Fact) -> None:
        """Enter one fact; what lies beyond the end is forgotten."""
        self._enter(fact.time_ms, fact, None)

    def call(self, time_ms: int, action: Callable[[], None]) -> None:
        """Have `action` called when the time has come."""
        self._enter(time_ms, None, action)

    def follow(self, facts: Iterator[Fact]) -> None:
        """Enter an actor: its facts come in the order of time, each asked for when the one before is due."""
        fact = next(facts, None)
        if fact is not None:
            self._enter(fact.time_ms, fact, partial(self.follow, facts))

    def _enter(self, time_ms: int, fact: Fact | None, action: Callable[[], None] | None) -> None:
        if time_ms < self._end_ms:
            heapq.heappush(self._heap, (time_ms, next(self._order), fact, action))

    def __iter__(self) -> Iterator[Fact]:
        heap = self._heap
        while heap:
            _, _, fact, action = heapq.heappop(heap)
            if action is not None:
                action()
            if fact is not None:
                yield fact
