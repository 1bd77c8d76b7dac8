"""Who counts: 1, 2, 3 … per (source, subject, type) within the spool's one bootid.

The counters live in the spool and move in the transaction that takes the events, so a kill at any
moment neither uses a number twice nor leaves one out (contract section 9.1).
"""

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

Stream = tuple[str, str, str]


class Counter(NamedTuple):
    """A stream's own number, which makes ids short, and the last sequence it gave."""

    stream: int
    last: int


class Numbering:
    """The counters of one spool. What a transaction draws becomes true by `keep`, and is forgotten by `undo`."""

    def __init__(self, connection: sqlite3.Connection, bootid: str) -> None:
        self.bootid = bootid
        self._connection = connection
        rows = connection.execute("SELECT source, subject, type, stream, last FROM counter")
        self._counters: dict[Stream, Counter] = {(r[0], r[1], r[2]): Counter(r[3], r[4]) for r in rows}
        self._drawn: dict[Stream, Counter] = {}
        self._since_mark: list[tuple[Stream, Counter | None]] = []

    def draw(self, event: Mapping[str, Any]) -> tuple[str, int]:
        """The next id and sequence of the event's stream."""
        stream = (event["source"], event["subject"], event["type"])
        before = self._drawn.get(stream)
        counter = before or self._counters.get(stream) or self._new(stream)
        self._since_mark.append((stream, before))
        drawn = self._drawn[stream] = Counter(counter.stream, counter.last + 1)
        return f"{self.bootid}.{drawn.stream}.{drawn.last}", drawn.last

    def mark(self) -> None:
        """Remember where we are, for `return_to_mark`."""
        self._since_mark.clear()

    def return_to_mark(self) -> None:
        """Nothing was drawn since the mark."""
        while self._since_mark:
            stream, before = self._since_mark.pop()
            if before is None:
                del self._drawn[stream]
            else:
                self._drawn[stream] = before

    def write(self) -> None:
        """Put what was drawn into the transaction that is open."""
        rows = [(*stream, counter.stream, counter.last) for stream, counter in self._drawn.items()]
        self._connection.executemany("INSERT OR REPLACE INTO counter VALUES (?, ?, ?, ?, ?)", rows)

    def keep(self) -> None:
        """The transaction is durable."""
        self._counters.update(self._drawn)
        self._drawn.clear()

    def undo(self) -> None:
        """The transaction never was."""
        self._drawn.clear()

    def _new(self, stream: Stream) -> Counter:
        new = sum(1 for known in self._drawn if known not in self._counters)
        return Counter(len(self._counters) + new + 1, 0)
