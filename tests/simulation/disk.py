"""A gateway's spool in memory: the calls that keeper and sender make of the real one, and a disk that outlives it.

A call is a transaction: done or not. How the real file keeps that promise is tested by killing it before every statement
(tests/unit/edge/test_spool_kills.py); tests/property/test_spool_machine.py holds both to one model.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from connectors.edge.bounds import Bounds, Held
from connectors.edge.clock import Clock
from connectors.edge.errors import SpoolFullError
from connectors.edge.event import Offered, Receipt, encoded
from connectors.edge.gaps import Gap
from connectors.edge.spool import Answer, Cursor, Parcel, Row


@dataclass
class Disk:
    """What is still there after a kill. `on_let_go` hears of every event that leaves."""

    bootid: str = "boot-1"
    rows: dict[int, Row] = field(default_factory=dict)
    last_position: int = 0
    numbers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    on_let_go: Callable[[Row], None] = lambda _: None


class MemorySpool:
    """One process's hold of a disk; after `cut` it writes no more, as a killed process would."""

    def __init__(self, disk: Disk, clock: Clock, bounds: Bounds = Bounds()) -> None:  # noqa: B008
        self._disk = disk
        self.clock = clock
        self.bounds = bounds
        self.is_cut = False
        clock.not_before(max((row.steady_s for row in disk.rows.values()), default=0.0))

    @property
    def bootid(self) -> str:
        return self._disk.bootid

    @property
    def last_position(self) -> int:
        return self._disk.last_position

    def cut(self) -> None:
        """The process is dead."""
        self.is_cut = True

    def close(self) -> None:
        """Nothing is lost by not calling it."""

    def write(self, parcels: Sequence[Parcel], delivered: Iterable[int] = ()) -> list[Answer]:
        if self.is_cut:
            raise RuntimeError("a dead process wrote")
        for position in delivered:
            row = self._disk.rows.pop(position, None)
            if row is not None:
                self._disk.on_let_go(row)
        return [self._take(parcel) for parcel in parcels]

    def read(self, first: int, last: int, limit: int) -> list[Row]:
        return [row for position, row in self._disk.rows.items() if first <= position <= last][:limit]

    def cursor(self, name: str) -> str | None:
        return self._disk.cursors.get(name)

    def held(self) -> Held:
        rows = self._disk.rows.values()
        oldest_s = min((row.steady_s for row in rows), default=self.clock.steady_s())
        return Held(len(rows), sum(len(row.value) for row in rows), self.clock.steady_s() - oldest_s)

    def gaps(self) -> list[Gap]:
        """Nothing is ever dropped here."""
        return []

    def _take(self, parcel: Parcel) -> Answer:
        numbers = dict(self._disk.numbers)
        made = [self._finished(numbers, one) for one in parcel.events]
        size = sum(len(value) for _, _, value in made)
        if made and self.held().bytes + size > self.bounds.max_bytes:
            return SpoolFullError("bytes", "no room")
        for offered, _, value in made:
            self._disk.last_position += 1
            position, subject = self._disk.last_position, offered.event["subject"]
            self._disk.rows[position] = Row(position, self.clock.steady_s(), offered.topic, subject, value)
        self._disk.numbers = numbers
        self._keep(parcel.cursors)
        return [receipt for _, receipt, _ in made]

    def _keep(self, cursors: Iterable[Cursor]) -> None:
        for cursor in cursors:
            if cursor.value is None:
                self._disk.cursors.pop(cursor.name, None)
            else:
                self._disk.cursors[cursor.name] = cursor.value

    def _finished(self, numbers: dict[tuple[str, str, str], int], offered: Offered) -> tuple[Offered, Receipt, bytes]:
        event = offered.event
        if not offered.is_numbered_by_us:
            return offered, Receipt(event["id"], None, None), encoded(event)
        stream = (event["source"], event["subject"], event["type"])
        number = numbers[stream] = numbers.get(stream, 0) + 1
        name = f"{self.bootid}-{event['subject']}-{event['type']}-{number}"
        given = {"id": name, "bootid": self.bootid, "sequence": str(number)}
        return offered, Receipt(name, self.bootid, number), encoded({**given, **event})
