"""Marks: which facts the accepted rows of a batch may change, so that they are folded again. Pure.

A mark too many costs a fold that changes nothing; a mark too few loses a fact. So whatever the memory of a crane
does not know is marked. Who takes the marks away is streams/refolding.py.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Times = npt.NDArray[np.int64]

SAMPLES: Final = "port.crane_sample"
JOBS: Final = "port.crane_job"
LASTING: Final = ("port.crane_status", "port.crane_assignment")
FINAL_STEPS: Final = ("delivered", "cancelled")
# A job is sought as long as this after a lift has ended (crane_cycle.LOOK_AHEAD).
CLAIMS_US: Final = 60_000_000
# An unlocked spreader counts when it stays unlocked: what comes this soon after the edge may still decide.
SETTLES_US: Final = 2_000_000
# What lasts until the next of its kind changes every later cycle, not only those near it.
EVER_US: Final = 4_102_444_800_000_000  # the year 2100

# A mark of this kind folds nothing: it says how far a site has come (ingest.site_clock).
CLOCK: Final = "site_clock"
_CRANES: Final = (SAMPLES, JOBS, *LASTING, "port.crane_fault")

_KEYED: Final = (
    ("gate_visit", "visit_id", ("port.gate_step", "port.ocr_read")),
    ("cargo_visit", "equipment_reference", ("port.cargo_milestone",)),
    ("vessel_call", "call_id", ("port.vessel_milestone",)),
    ("cell_alarm", "cell_id", ("port.cell_alarm_event", "port.cell_heartbeat")),
)


class Mark(NamedTuple):
    """Rows of `key` came with event times from `from_us` to `to_us` (epoch µs, both included)."""

    kind: str
    key: str
    from_us: int
    to_us: int


class Tail(NamedTuple):
    """What is known of a crane's newest sample: its time, the last lock flag, and an edge that has not settled.

    `unlocked_us` is when a lift may have ended last: what is told of jobs soon after may still be about it. `locked_us`
    is when the flag was said.
    """

    newest_us: int
    locked: bool | None
    edge_us: int | None = None
    unlocked_us: int | None = None
    locked_us: int | None = None


Tails = Mapping[str, Tail]


@dataclass(frozen=True, slots=True)
class Marked:
    """The marks of a batch, and the tails it leaves: they hold once the batch is stored."""

    marks: tuple[Mark, ...]
    tails: Tails


def marks_of(rows: Mapping[str, pa.RecordBatch], tails: Tails) -> Marked:
    """The marks of a batch's rows by raw table. `tails` may know less than the store does, never something else.

    About 0.05 µs per crane sample. A batch seen twice is marked twice.
    """
    marks = [mark for kind, column, tables in _KEYED for mark in _keyed(kind, column, tables, rows)]
    marks += _around(rows, tails)
    samples = rows.get(SAMPLES)
    if samples is None or not samples.num_rows:
        return Marked(tuple(marks), {})
    cranes = _Cranes.of(samples)
    after = {}
    for number, crane in enumerate(cranes.names):
        mark, after[crane] = cranes.judge(number, tails.get(crane))
        if mark is not None:
            marks.append(Mark("crane_cycle", crane, *mark))
    return Marked(tuple(marks), after)


def clocks_of(rows: Mapping[str, pa.RecordBatch]) -> Iterator[Mark]:
    """How far each site has come by what its cranes tell: most of it marks no fact. Other rows always mark theirs."""
    present = [rows[name].select(["site", "time"]) for name in _CRANES if name in rows]
    if not present:
        return
    newest = pa.Table.from_batches(present).group_by("site", use_threads=False).aggregate([("time", "max")])
    times = pc.cast(newest["time_max"], pa.int64()).to_pylist()
    for site, time_us in zip(newest["site"].to_pylist(), times, strict=True):
        yield Mark(CLOCK, site, time_us, time_us)


def _keyed(kind: str, column: str, tables: tuple[str, ...], rows: Mapping[str, pa.RecordBatch]) -> Iterator[Mark]:
    present = [rows[name].select(["site", column, "time"]) for name in tables if name in rows]
    if not present:
        return
    spans = (
        pa.Table.from_batches(present)
        .group_by(["site", column], use_threads=False)
        .aggregate([("time", "min"), ("time", "max")])
    )
    first, last = (pc.cast(spans[name], pa.int64()).to_pylist() for name in ("time_min", "time_max"))
    for site, value, start, end in zip(spans["site"].to_pylist(), spans[column].to_pylist(), first, last, strict=True):
        yield Mark(kind, f"{site}/{value}", start, end)


def _around(rows: Mapping[str, pa.RecordBatch], tails: Tails) -> Iterator[Mark]:
    """Jobs, statuses and assignments: what ends a job or follows a lift, and whatever is not newer than the samples."""
    for name in (JOBS, *LASTING):
        if name not in rows:
            continue
        batch = rows[name]
        steps = batch.column("step").to_pylist() if name == JOBS else [None] * batch.num_rows
        cranes = batch.column("crane_id").to_pylist()
        for crane, step, time in zip(cranes, steps, _times(batch).tolist(), strict=True):
            tail = tails.get(crane)
            if tail is None or time <= tail.newest_us or step in FINAL_STEPS or _is_soon(step, time, tail):
                yield Mark("crane_cycle", crane, time, time if name == JOBS else EVER_US)


def _is_soon(step: str | None, time_us: int, tail: Tail) -> bool:
    return step is not None and tail.unlocked_us is not None and time_us - tail.unlocked_us <= CLAIMS_US


def _times(batch: pa.RecordBatch) -> Times:
    times: Times = batch.column("time").view(pa.int64()).to_numpy(zero_copy_only=False)
    return times


@dataclass(frozen=True, slots=True)
class _Cranes:
    """The samples of a batch, crane by crane: `starts[n]` to `starts[n + 1]` are those of crane n, as they came.

    `flagged` are the positions of those that say whether the spreader is locked, and `locked` what they say.
    """

    names: list[str]
    starts: list[int]
    times: Times
    flagged: Times
    locked: npt.NDArray[np.bool_]
    flag_starts: list[int]
    edges: Times
    edge_starts: list[int]
    newest: list[int]
    disorder: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, samples: pa.RecordBatch) -> "_Cranes":
        encoded = samples.column("crane_id").dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        names = encoded.dictionary.to_pylist()
        times, flags = _times(samples), samples.column("spreader_locked")
        if len(names) > 1:
            # Small numbers are sorted by radix: five times faster.
            order = np.argsort(codes.astype(np.uint16) if len(names) < 65_536 else codes, kind="stable")
            times, flags, codes = times[order], flags.take(pa.array(order)), codes[order]
        numbers = np.arange(len(names) + 1)
        starts = np.searchsorted(codes, numbers)
        said = flags.is_valid().to_numpy(zero_copy_only=False)
        flagged = np.flatnonzero(said)
        locked = flags.drop_null().to_numpy(zero_copy_only=False).astype(bool)
        same = codes[flagged[1:]] == codes[flagged[:-1]]
        edges = flagged[1:][locked[:-1] & ~locked[1:] & same]
        backwards = np.flatnonzero(times[1:] < times[:-1]) + 1
        disorder = np.zeros(len(names), bool)
        disorder[codes[backwards[codes[backwards] == codes[backwards - 1]]]] = True
        return cls(
            names=names,
            starts=starts.tolist(),
            times=times,
            flagged=flagged,
            locked=locked,
            flag_starts=np.searchsorted(flagged, starts).tolist(),
            edges=edges,
            edge_starts=np.searchsorted(edges, starts).tolist(),
            newest=np.maximum.reduceat(times, starts[:-1]).tolist(),
            disorder=disorder,
        )

    def judge(self, number: int, tail: Tail | None) -> tuple[tuple[int, int] | None, Tail]:
        """The span to fold again, if any, and the crane's new tail."""
        start, end = self.starts[number], self.starts[number + 1]
        newest = self.newest[number]
        if tail is None or self.disorder[number] or self.times[start] <= tail.newest_us:
            first = int(self.times[start:end].min())
            return (first, newest), self._doubtful(number, tail, first)
        begun = self._first_edge(number, tail)
        if begun is None:
            return None, self._tail(number, tail, None)
        return (begun, newest), self._tail(number, tail, begun)

    def _doubtful(self, number: int, tail: Tail | None, first: int) -> Tail:
        """The tail after samples that did not come in their order, or came late: how the crane stands may be unknown."""
        after = self._tail(number, tail, first)
        if tail is None:
            return after._replace(locked=None, locked_us=None) if self.disorder[number] else after
        is_old = tail.locked_us is not None and self.newest[number] < tail.locked_us
        return Tail(
            after.newest_us,
            tail.locked if is_old else None,
            _first(tail.edge_us, after.edge_us),
            _last(tail.unlocked_us, after.unlocked_us),
            tail.locked_us if is_old else None,
        )

    def _first_edge(self, number: int, tail: Tail) -> int | None:
        """The time of the earliest edge, one that had not settled before included."""
        if tail.edge_us is not None:
            return tail.edge_us
        at, end = self.flag_starts[number], self.flag_starts[number + 1]
        if at < end and not self.locked[at] and tail.locked is not False:
            return int(self.times[self.flagged[at]])
        at, end = self.edge_starts[number], self.edge_starts[number + 1]
        return int(self.times[self.edges[at]]) if at < end else None

    def _tail(self, number: int, tail: Tail | None, marked_us: int | None) -> Tail:
        newest = self.newest[number]
        known = -1 if tail is None else tail.newest_us
        at, end = self.flag_starts[number], self.flag_starts[number + 1]
        locked, locked_us = (None, None) if tail is None else (tail.locked, tail.locked_us)
        if at < end:
            locked, locked_us = bool(self.locked[end - 1]), int(self.times[self.flagged[end - 1]])
        edge = self._last_edge(number, marked_us)
        unsettled = edge is not None and max(newest, known) - edge < SETTLES_US
        unlocked_us = self._last_unlock(number, tail)
        return Tail(max(newest, known), locked, edge if unsettled else None, unlocked_us, locked_us)

    def _last_unlock(self, number: int, tail: Tail | None) -> int | None:
        at, end = self.edge_starts[number], self.edge_starts[number + 1]
        if at < end:
            return int(self.times[self.edges[end - 1]])
        at, end = self.flag_starts[number], self.flag_starts[number + 1]
        if at < end and not self.locked[at] and (tail is None or tail.locked is not False):
            return int(self.times[self.flagged[at]])
        return None if tail is None else tail.unlocked_us

    def _last_edge(self, number: int, marked_us: int | None) -> int | None:
        if marked_us is None:
            return None
        at, end = self.edge_starts[number], self.edge_starts[number + 1]
        return int(self.times[self.edges[end - 1]]) if at < end else marked_us


def _first(*times_us: int | None) -> int | None:
    return min((time for time in times_us if time is not None), default=None)


def _last(*times_us: int | None) -> int | None:
    return max((time for time in times_us if time is not None), default=None)


class Memory:
    """What a worker remembers of its cranes. Forgetting costs marks, never facts, so it forgets when in doubt."""

    MOST_CRANES: Final = 100_000

    def __init__(self) -> None:
        self._epochs: dict[Hashable, int] = {}
        self._tails: dict[str, Tail] = {}

    def tails(self, epochs: Mapping[Any, int]) -> Tails:
        """The tails that hold for partitions claimed with these epochs.

        Nothing after a claim: others may have written since.
        """
        if any(self._epochs.get(place) != epoch for place, epoch in epochs.items()):
            self._epochs.update(epochs)
            self._tails = {}
        return self._tails

    def learn(self, tails: Tails) -> None:
        """Remember the tails of a batch that is to be stored: seen again, its samples are late and so marked."""
        if len(self._tails) > self.MOST_CRANES:
            self._tails = {}
        self._tails = {**self._tails, **tails}
