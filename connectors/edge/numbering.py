"""Who counts: 1, 2, 3 … per (source, subject, type) within the spool's one bootid.

The counters live in the spool and move in the transaction that takes the events, so a kill at any
moment neither uses a number twice nor leaves one out (contract section 9.1).
"""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

Stream = tuple[str, str, str]
REMEMBERED: Final = 100_000
_FIND: Final = "SELECT stream, last FROM counter WHERE source = ? AND subject = ? AND type = ?"


class Counter(NamedTuple):
    """A stream's own number, which makes ids short, and the last sequence it gave."""

    stream: int
    last: int


class Numbering:
    """The counters of one spool. What a transaction draws becomes true by `keep`, and is forgotten by `undo`.

    Streams are many where assets are (every container is one): they are looked up when they are needed,
    and no more than `REMEMBERED` are kept in memory.
    """

    def __init__(self, connection: sqlite3.Connection, bootid: str) -> None:
        self.bootid = bootid
        self._connection = connection
        self._streams = int(connection.execute("SELECT coalesce(max(stream), 0) FROM counter").fetchone()[0])
        self._new = 0
        self._known: dict[Stream, Counter] = {}
        self._drawn: dict[Stream, Counter] = {}
        self._since_mark: list[tuple[Stream, Counter | None]] = []

    def draw(self, event: Mapping[str, Any]) -> tuple[str, int]:
        """The next id and sequence of the event's stream."""
        stream = (event["source"], event["subject"], event["type"])
        before = self._drawn.get(stream)
        counter = before or self._known.get(stream) or self._look_up(stream) or self._begin()
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
        if len(self._known) > REMEMBERED:
            self._known.clear()
        self._known.update(self._drawn)
        self._streams += self._new
        self.undo()

    def undo(self) -> None:
        """The transaction never was."""
        self._drawn.clear()
        self._new = 0

    def _look_up(self, stream: Stream) -> Counter | None:
        row = self._connection.execute(_FIND, stream).fetchone()
        return None if row is None else Counter(*row)

    def _begin(self) -> Counter:
        self._new += 1
        return Counter(self._streams + self._new, 0)
