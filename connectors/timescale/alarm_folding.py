"""The alarms of cells, one by one: gone on with from the stored fact that the marks begin in, until nothing changes.

A heartbeat every half minute makes a quarter of a million rows before retention takes them, and an alarm may be told
again every minute for months. So what is newer than all of an alarm's stored facts goes on from the last of them, and
what is late begins anew where the fact it falls into began. Rows come through a cursor: memory stays bounded.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import asyncpg

from connectors.timescale.alarm_rows import ALARM_ROWS, BEAT_BEFORE, BEAT_ROWS, TOUCHED
from connectors.timescale.facts import merge, read_facts
from connectors.timescale.pool import Connection
from connectors.timescale.refolds import Due, Outcome, Work
from schemas.alarms import AlarmIdentity, load_alarm_rules
from schemas.facts import FactTable
from streams.facts.cell_alarm import (
    PATIENCE,
    Episode,
    Told,
    begins,
    episode_of,
    episodes,
    facts_of,
    told_by_silence,
)
from streams.facts.heartbeats import Beat, between
from streams.facts.kinds import KeyedKind
from streams.facts.restate import Changes, Stored, compare

_PREFETCH: Final = 500
_TICK: Final = timedelta(microseconds=1)
_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Touched(NamedTuple):
    """An alarm of a cell with rows (or facts) in the marks, the first of them at `since`; nothing changes after `until`."""

    identity: AlarmIdentity
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Start:
    """Where an alarm is gone on from: the episode so far, the first moment that counts, and facts from when on change."""

    begun: Episode | None
    since: datetime
    facts_since: datetime


@dataclass(slots=True)
class End:
    """How far a walk came: `at` a moment from which on all is as it is stored, or to the end, where `last` was the last."""

    at: datetime | None = None
    last: Beat | None = None
    is_reached: bool = False


class AlarmFolding:
    """Folds the alarms of cells; a key is `<site>/<cell_id>`."""

    def __init__(self, kind: KeyedKind) -> None:
        self._kind = kind

    @property
    def table(self) -> FactTable:
        """Where its facts are."""
        return self._kind.table

    @property
    def raw(self) -> Sequence[str]:
        """The raw tables it reads."""
        return self._kind.raw

    async def fold(
        self, connection: Connection, works: Sequence[Work], clocks: Mapping[str, datetime], horizon: datetime
    ) -> Outcome:
        """One alarm after the other, of one cell after the other."""
        changes: dict[str, Changes] = {}
        dues: list[Due] = []
        for work in works:
            found = []
            for touched in await _touched(connection, work, horizon):
                one = _Alarm(connection, self.table, work, touched, horizon)
                change, due = await one.fold(clocks[work.site])
                found.append(change)
                dues += [due] if due else []
            changes[work.key] = merge(found)
        return Outcome(changes, dues=tuple(dues))


@dataclass(frozen=True, slots=True)
class _Alarm:
    """One alarm of one cell, on its way."""

    connection: Connection
    table: FactTable
    work: Work
    touched: Touched
    horizon: datetime

    @property
    def _is_ours(self) -> bool:
        return self.touched.identity.origin == "heartbeat"

    async def fold(self, as_of: datetime) -> tuple[Changes, Due | None]:
        start = await self._start()
        stored = await self._facts("AND f.first_at >= $2 ORDER BY f.first_at", start.facts_since)
        end = End()
        found = await self._walk(start, {fact.values["first_at"] for fact in stored}, as_of, end)
        if end.at is not None:
            stored = [fact for fact in stored if fact.values["first_at"] < end.at]
        # What another one follows is not open.
        judged_at = as_of if end.at is None else _EVER
        folded = facts_of(self.work.site, self.touched.identity, found, judged_at)
        return compare(self.table, stored, folded), self._due(end, as_of)

    async def _start(self) -> Start:
        since = latest = self.touched.since
        before = await self._beat_before(since) if self._is_ours else None
        if before is not None:
            # The gap that a heartbeat falls into began with the one before it: everything later may change.
            latest, since = before.time, before.time + _TICK
        found = await self._facts("AND f.first_at <= $2 ORDER BY f.first_at DESC LIMIT 1", latest)
        if not found:
            return Start(None, since, since)
        known = found[0].values
        if since > known["last_at"]:
            return Start(episode_of(known), since, known["first_at"])
        if await self._has_lost_rows(known["first_at"]):  # what it says stays, and goes on
            return Start(episode_of(known), known["last_at"] + _TICK, known["first_at"])
        return Start(None, known["first_at"], known["first_at"])

    async def _has_lost_rows(self, first_at: datetime) -> bool:
        """Whether what began then rests on rows that retention took: a loss, on the beat before it."""
        return first_at < self.horizon or (self._is_ours and await self._beat_before(first_at) is None)

    async def _facts(self, which: str, at: datetime) -> list[Stored]:
        among = f"WHERE f.cell_id = $3 AND f.alarm_key = $1 {which}"
        identity = self.touched.identity
        return await read_facts(self.connection, self.table, among, identity.alarm_key, at, identity.cell_id)

    async def _walk(self, start: Start, stored: Collection[datetime], as_of: datetime, end: End) -> list[Episode]:
        """The episodes up to one, past the marks, that is stored as it begins here: from there on nothing changes."""
        found: list[Episode] = []
        current = start.begun
        async with aclosing(self._events(start, as_of, end)) as events:
            async for event in events:
                is_first = current is None or begins(current, event)
                if is_first and event.time > self.touched.until and event.time in stored and not end.is_reached:
                    end.at = event.time
                    break
                *ended, current = episodes(current, [event])
                found += ended
        return found if current is None else [*found, current]

    async def _events(self, start: Start, as_of: datetime, end: End) -> AsyncGenerator[Told, None]:
        if not self._is_ours:
            condition, *words = self.touched.identity[3:]
            async for row in self._rows(ALARM_ROWS, start.since, condition, PATIENCE, *words):
                yield Told(row["time"], row["severity"], row["probable_cause"])
            return
        end.last = await self._beat_before(start.since)
        async for row in self._rows(BEAT_ROWS, start.since):
            beat = Beat(row["time"], row["interval_s"])
            for told in self._between(start, end.last, beat):
                yield told
            end.last = beat
        end.is_reached = True
        if end.last is not None and as_of > end.last.deadline >= start.since:
            yield told_by_silence((end.last.deadline, True))

    def _between(self, start: Start, last: Beat | None, beat: Beat) -> Iterator[Told]:
        if last is not None:
            yield from (told_by_silence(loss) for loss in between(last, beat, PATIENCE) if loss[0] >= start.since)
        elif start.begun is not None and start.begun.is_active:  # the last beat before it is gone with retention
            yield told_by_silence((beat.time, False))

    async def _rows(self, query: str, *values: object) -> AsyncIterator[asyncpg.Record]:
        identity = self.touched.identity
        async for row in self.connection.cursor(query, identity.cell_id, identity.source, *values, prefetch=_PREFETCH):
            yield row

    async def _beat_before(self, at: datetime) -> Beat | None:
        identity = self.touched.identity
        row = await self.connection.fetchrow(BEAT_BEFORE, identity.cell_id, identity.source, at)
        return Beat(row["time"], row["interval_s"]) if row else None

    def _due(self, end: End, as_of: datetime) -> Due | None:
        """When silence from here on will be a loss, if it is not one yet; nothing where the walk ended early."""
        if not end.is_reached or end.last is None:
            return None
        due_at = end.last.deadline if as_of <= end.last.deadline else None
        return Due(self.work.key, self.touched.identity.source, end.last.time, due_at)


async def _touched(connection: Connection, work: Work, horizon: datetime) -> list[Touched]:
    """The alarms with rows or facts within the marks of a cell."""
    cell_id = work.key.partition("/")[2]
    values = (cell_id, max(work.since, horizon), work.until, load_alarm_rules().heartbeat.condition, PATIENCE)
    found: dict[AlarmIdentity, Touched] = {}
    for row in await connection.fetch(TOUCHED, *values):
        identity = AlarmIdentity(cell_id, *(row[name] for name in AlarmIdentity._fields[1:]))
        known = found.setdefault(identity, Touched(identity, row["since"], work.until))
        found[identity] = Touched(identity, min(known.since, row["since"]), max(known.until, row["until"]))
    return list(found.values())
