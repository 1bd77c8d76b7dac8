"""How long nothing was stored: the fences looked at many times a second, and what that says."""

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import psycopg

Place = tuple[str, int]
_LOOK_S: Final = 0.05
_FENCES: Final = "SELECT topic, partition, next_offset FROM ingest.partition_offset"


@dataclass(frozen=True, slots=True)
class Look:
    """Where every partition stood at a moment (seconds of the monotonic clock)."""

    at_s: float
    offsets: Mapping[Place, int]


@dataclass
class Watch:
    """Looks in a thread, from `start` until `stop`. Precise to a twentieth of a second and the time of a query."""

    dsn: str
    looks: list[Look] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def outcomes(self) -> int:
        """Records with an outcome since the first look; partitions that appear later count from where they appeared."""
        return sum(self._moved().values())

    def busy(self, per_s: float) -> set[Place]:
        """Partitions in which at least so many records a second got their outcome, over all looks."""
        span_s = self.looks[-1].at_s - self.looks[0].at_s
        return {place for place, moved in self._moved().items() if moved >= per_s * span_s}

    def _moved(self) -> dict[Place, int]:
        first: dict[Place, int] = {}
        for look in self.looks:
            for place, offset in look.offsets.items():
                first.setdefault(place, offset)
        last = self.looks[-1].offsets if self.looks else {}
        return {place: offset - first[place] for place, offset in last.items()}

    def _run(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            while not self._ended.wait(_LOOK_S):
                rows = connection.execute(_FENCES).fetchall()
                self.looks.append(Look(time.monotonic(), {(topic, number): offset for topic, number, offset in rows}))


def longest(looks: Sequence[Look], places: Collection[Place]) -> dict[Place, float]:
    """For each place the longest time, in seconds, in which its offset stood still; the ends of the looks count."""
    pauses = dict.fromkeys(places, 0.0)
    for place in places:
        moved_s = looks[0].at_s
        for before, after in pairwise(looks):
            if after.offsets.get(place) != before.offsets.get(place):
                pauses[place] = max(pauses[place], after.at_s - moved_s)
                moved_s = after.at_s
        pauses[place] = max(pauses[place], looks[-1].at_s - moved_s)
    return pauses


def still(looks: Sequence[Look]) -> float:
    """The longest time, in seconds, in which no partition moved at all."""
    sums = [Look(look.at_s, {("all", 0): sum(look.offsets.values())}) for look in looks]
    return longest(sums, [("all", 0)])["all", 0]
