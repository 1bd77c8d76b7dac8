"""Builders for the edge: events as a source offers them, a spool in a folder, a broker that does as it is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from connectors.edge.bounds import Bounds
from connectors.edge.broker import Failure, Trouble
from connectors.edge.clock import Clock
from connectors.edge.event import Offered, offered
from connectors.edge.row import Row
from connectors.edge.spool import END, Parcel, Spool

CRANE = "VNHPH-TANVU-STS01"
SOURCE = "/vnhph/tanvu/gw-01"
SAMPLE = "io.quaystream.crane.sample.v1"


def words(subject: str = CRANE, **more: Any) -> dict[str, Any]:
    """An event without an identity, as an equipment driver words it."""
    return {"type": SAMPLE, "subject": subject, "time": "2026-01-01T00:00:00Z", "data": {"load_t": 20.5}, **more}


def offer(subject: str = CRANE, **more: Any) -> Offered:
    """The same, checked."""
    return offered(words(subject, **more), SOURCE)


def parcel(*subjects: str) -> Parcel:
    """One event of each subject."""
    return Parcel([offer(subject) for subject in subjects])


def contents(spool: Spool) -> list[dict[str, Any]]:
    """The events that wait, decoded, oldest first."""
    return [msgspec.json.decode(row.value) for row in spool.read(0, END, 1_000_000) if row.headers is None]


def refused(spool: Spool) -> list[Row]:
    """What waits and is no event, oldest first."""
    return [row for row in spool.read(0, END, 1_000_000) if row.headers is not None]


class Hands:
    """A clock that is moved by hand."""

    def __init__(self, wall_s: float = 1_800_000_000.0) -> None:
        self.wall_s = wall_s
        self.monotonic_s = 1_000.0

    def clock(self) -> Clock:
        return Clock(lambda: self.wall_s, lambda: self.monotonic_s)

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds


def spool_in(folder: Path, bounds: Bounds = Bounds(), hands: Hands | None = None) -> Spool:  # noqa: B008
    return Spool(folder / "spool.db", bounds, (hands or Hands()).clock())


class FakeBroker:
    """Takes what it is given; confirms, fails or keeps silent as `says` decides, row by row, when polled."""

    def __init__(self, says: Callable[[Row], Trouble | bool]) -> None:
        self.delivered: list[int] = []
        self.failed: list[Failure] = []
        self.log: list[Row] = []
        self.abandoned = False
        self._says = says
        self._given: list[Row] = []

    def send(self, row: Row) -> bool:
        self._given.append(row)
        return True

    def poll(self) -> None:
        still = []
        for row in self._given:
            answer = self._says(row)
            if answer is True:
                self.log.append(row)
                self.delivered.append(row.position)
            elif answer is False:
                still.append(row)
            else:
                self.failed.append(Failure(row.position, row.topic, answer, "told to"))
        self._given = still

    def abandon(self) -> None:
        self.abandoned = True
        self._given.clear()
