"""What the database would hold, as dictionaries and lists; several stores (workers) may share one.

`apply` takes a whole transaction and cannot fail half way: whatever can be refused is refused before
(store.py). Names and meanings follow contract section 5.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.memory.additive import Key, Row, add_rows, hour_of, rollup_of
from schemas.tables import RAW_BY_NAME
from streams.core.record import TopicPartition
from streams.core.sequence import Gap, StreamChange, StreamKey, StreamState
from streams.core.writes import DeadLetter, LostRange, Probe, Progress, Writes
from streams.store import Position

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class PartitionLine:
    """One row of `ingest.partition_offset`."""

    first_offset: int
    next_offset: int
    epoch: int
    owner: str
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    missing: int = 0

    def move(self, step: Progress) -> None:
        """Take a step of the fence."""
        self.next_offset = step.next_offset
        self.accepted += step.accepted
        self.duplicate += step.duplicate
        self.rejected += step.rejected
        self.missing += step.missing


@dataclass(slots=True)
class GapLine:
    """One row of `ingest.sequence_gap`."""

    key: StreamKey
    gap: Gap
    is_filled: bool = False


@dataclass(slots=True)
class PauseLine:
    """One row of `ingest.partition_pause`."""

    tp: TopicPartition
    detail: str
    is_lifted: bool = False


@dataclass(slots=True)
class Database:
    """The tables. `lock` stands for the row locks of a transaction, all of them at once."""

    partitions: dict[TopicPartition, PartitionLine] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    rollups: dict[str, dict[Key, Row]] = field(default_factory=dict)
    stale_hours: set[tuple[str, datetime]] = field(default_factory=set)
    streams: dict[StreamKey, StreamState] = field(default_factory=dict)
    gaps: list[GapLine] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    lost: list[LostRange] = field(default_factory=list)
    pauses: list[PauseLine] = field(default_factory=list)
    assets: dict[str, str] = field(default_factory=dict)
    sources: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stored: dict[tuple[str, str, datetime], set[tuple[str, str]]] = field(default_factory=dict)

    def claim(self, owner: str, starts: Mapping[TopicPartition, int]) -> dict[TopicPartition, Position]:
        """Raise the epoch of partitions; one never seen begins at `starts`."""
        for tp, start in starts.items():
            line = self.partitions.setdefault(tp, PartitionLine(start, start, 0, owner))
            line.epoch += 1
            line.owner = owner
        return self.positions(starts)

    def positions(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Position]:
        """Where those of `partitions` stand that were ever claimed."""
        lines = {tp: self.partitions[tp] for tp in partitions if tp in self.partitions}
        return {tp: Position(line.next_offset, line.epoch) for tp, line in lines.items()}

    def paused(self) -> set[TopicPartition]:
        """Partitions with a pause nobody has lifted."""
        return {pause.tp for pause in self.pauses if not pause.is_lifted}

    def lift(self, tp: TopicPartition) -> None:
        """Lift the pauses of a partition, as `quaystream dead-letters resume` does."""
        for pause in self.pauses:
            pause.is_lifted = pause.is_lifted or pause.tp == tp

    def find(self, probes: Collection[Probe]) -> set[Probe]:
        """Which of the probed events are stored."""
        places = {p: (p.table, p.asset, _EPOCH + timedelta(microseconds=p.time_us)) for p in probes}
        return {p for p, at in places.items() if (p.source, p.event_id) in self._stored.get(at, ())}

    def apply(self, writes: Writes) -> None:
        """Write everything of one transaction."""
        for step in writes.progress:
            self.partitions[step.tp].move(step)
        for name, batch in writes.rows.items():
            self._insert(name, batch.to_pylist())
        for name, deltas in writes.rollups.items():
            rows = deltas.to_pylist()
            add_rows(name, self.rollups.setdefault(name, {}), rows)
            self.stale_hours.update((name, hour_of(row)) for row in rows)
        for change in writes.streams:
            self.streams[change.key] = change.after
            self._keep_gaps(change)
        self.dead_letters.extend(writes.dead_letters)
        self.lost.extend(writes.lost)
        self.pauses.extend(PauseLine(pause.tp, pause.detail) for pause in writes.pauses)
        for asset, site in writes.assets:
            self.assets.setdefault(asset, site)
        for source, (accepted, duplicate) in writes.sources.items():
            before = self.sources.get((source, writes.domain), (0, 0))
            self.sources[source, writes.domain] = (before[0] + accepted, before[1] + duplicate)

    def roll_hours(self) -> int:
        """Compute every stale hour anew from its minutes."""
        rolled = len(self.stale_hours)
        for name, hour in self.stale_hours:
            table = rollup_of(name).hour
            minutes = [row | {"bucket": hour} for row in self.rollups[name].values() if hour_of(row) == hour]
            kept = {key: row for key, row in self.rollups.get(table, {}).items() if row["bucket"] != hour}
            add_rows(table, kept, minutes)
            self.rollups[table] = kept
        self.stale_hours.clear()
        return rolled

    def _insert(self, name: str, rows: list[dict[str, Any]]) -> None:
        asset = RAW_BY_NAME[name].asset
        self.rows.setdefault(name, []).extend(rows)
        for row in rows:
            place = (name, row[asset], row["time"])
            self._stored.setdefault(place, set()).add((row["source"], row["event_id"]))

    def _keep_gaps(self, change: StreamChange) -> None:
        closed = dict(change.closed())
        mine = [line for line in self.gaps if line.key == change.key and not line.is_filled and line.gap in closed]
        for line in mine:
            if closed[line.gap]:
                line.is_filled = True
            else:
                self.gaps.remove(line)
        self.gaps.extend(GapLine(change.key, gap) for gap in sorted(change.opened()))
