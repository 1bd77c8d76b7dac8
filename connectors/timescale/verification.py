"""`verify --incremental`: looks at what was written to since it was last looked at, and at the counts of everything.

Hours that nobody wrote to are not read again: what they held is remembered, and must add up to the counts together with
what is read now. That a hand has changed them is found by the nightly pass (nightly.py), which reads them again.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, Literal

import asyncpg

from connectors.timescale.hour_check import NOTHING, Held, Rules, beyond_the_fence, check_records, read_hours
from connectors.timescale.ledger import PartitionLine, check_counts, check_partitions, read_partitions
from connectors.timescale.rollup_check import check_hours, check_minutes
from connectors.timescale.row_check import TOPIC_TABLES, Counts, count_beside
from connectors.timescale.spans import Span, by_day, day_of
from connectors.timescale.verified import LOCK, Mark, Marks, Sums, add_up, read_marks, remember, take_away
from schemas.backfill import place_of
from schemas.tables import ROLLUPS, RawTable, Rollup

Scope = Literal["incremental", "nightly"]
# Together in the closing snapshot; older days have one each, so that none is open for long after a large load.
_LAST_DAYS = 2
_WORK_MEM = "SET LOCAL work_mem = '64MB'"
RAW: Mapping[str, tuple[str, RawTable]] = {
    table.name: (topic, table) for topic, tables in TOPIC_TABLES.items() for table in tables
}
BY_HOUR: Mapping[str, Rollup] = {rollup.hour: rollup for rollup in ROLLUPS}


@dataclass(frozen=True, slots=True)
class Covered:
    """What a verdict rests on: hours (of a table) and rows read now, those remembered, and what was not looked at."""

    hours: int = 0
    rows: int = 0
    remembered_hours: int = 0
    remembered_rows: int = 0
    oldest: datetime | None = None
    left_out: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As `verify --json` says it."""
        return {
            "hours": self.hours,
            "rows": self.rows,
            "remembered_hours": self.remembered_hours,
            "remembered_rows": self.remembered_rows,
            "oldest": self.oldest.isoformat() if self.oldest else None,
            "left_out": list(self.left_out),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict, and what it rests on."""

    scope: Scope
    partitions: tuple[PartitionLine, ...]
    differences: tuple[str, ...]
    covered: Covered
    seconds: float


@dataclass(slots=True)
class Looked:
    """What one look at some hours found, by table."""

    seen: dict[str, set[datetime]] = field(default_factory=dict)
    held: dict[str, dict[datetime, Held]] = field(default_factory=dict)
    differences: dict[str, list[str]] = field(default_factory=dict)

    @property
    def hours(self) -> int:
        """Hours of tables that were looked at."""
        return sum(map(len, self.seen.values()))

    @property
    def rows(self) -> int:
        """Raw rows read."""
        return sum(one.rows for hours in self.held.values() for one in hours.values())

    def add(self, table: str, differences: Sequence[str]) -> None:
        """Note what is wrong with a table."""
        self.differences.setdefault(table, []).extend(differences)

    def is_clean(self, table: str) -> bool:
        """Whether nothing is wrong with what was looked at of a table."""
        return not self.differences.get(table)


@dataclass(frozen=True, slots=True)
class Ground:
    """One snapshot's marks, fences and counts, and how often retention had removed something."""

    marks: Marks
    lines: tuple[PartitionLine, ...]
    beside: Counts
    retired: int

    @property
    def rules(self) -> Rules:
        """What records are judged by."""
        return Rules({line.place: line.next_offset for line in self.lines}, self.beside.reset.keys())


async def verify_changed(connection: asyncpg.Connection) -> Report:
    """Look at every hour that was written to, compare the counts of all, remember, and tell.

    Days older than the newest two in a snapshot each, the rest in one; workers go on writing. Wants `only_one`.
    """
    started = monotonic()
    hours = rows = 0
    for day in await _older_days(connection):
        async with snapshot(connection):
            ground = await read_ground(connection)
            looked = await look_at(connection, wanted(ground.marks, day), ground)
        await settle(connection, looked, ground)
        hours, rows = hours + looked.hours, rows + looked.rows
    async with snapshot(connection):
        ground = await read_ground(connection)
        last, sums = Looked(), Sums()
        for day in _days(ground.marks):
            await look_at(connection, wanted(ground.marks, day), ground, last)
        for table, (topic, _) in RAW.items():
            _join(sums, await add_up(connection, table, topic, list(last.held.get(table, {}))))
    settled = await settle(connection, last, ground)
    differences = _differences(ground, sums, last)
    left_out = (*_left_out(ground.marks), *(() if settled else (_RETIRED_MEANWHILE,)))
    covered = Covered(hours + last.hours, rows + last.rows, sums.hours, sums.rows, sums.oldest, left_out)
    report = Report("incremental", ground.lines, tuple(differences), covered, monotonic() - started)
    await keep_report(connection, report)
    return report


@asynccontextmanager
async def only_one(connection: asyncpg.Connection) -> AsyncIterator[bool]:
    """Whether nobody else verifies meanwhile; a lock of the session."""
    is_ours = await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK)
    try:
        yield is_ours
    finally:
        if is_ours and not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


@asynccontextmanager
async def snapshot(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """One view of everything, read only."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_WORK_MEM)
        yield


async def read_ground(connection: asyncpg.Connection) -> Ground:
    """What every look begins with; wants a snapshot."""
    return Ground(
        await read_marks(connection),
        await read_partitions(connection),
        await count_beside(connection),
        await connection.fetchval(_RETIRED),
    )


def wanted(marks: Marks, day: datetime) -> dict[str, Span]:
    """The hours of a day that were written to, by raw or hour table."""
    changed = {table: by_day(marks.changed(table)) for table in (*RAW, *BY_HOUR)}
    return {table: days[day] for table, days in changed.items() if day in days}


async def look_at(
    connection: asyncpg.Connection, tables: Mapping[str, Span], ground: Ground, looked: Looked | None = None
) -> Looked:
    """Read these hours of raw tables, compare these of rollups; changes nothing."""
    looked = Looked() if looked is None else looked
    for name, span in tables.items():
        looked.seen.setdefault(name, set()).update(span.hours)
        if name in RAW:
            topic, table = RAW[name]
            held, last = await read_hours(connection, topic, table, span)
            looked.held.setdefault(name, {}).update({hour: held.get(hour, NOTHING) for hour in span.hours})
            looked.add(name, beyond_the_fence(table, last, ground.rules))
            looked.add(name, await check_records(connection, topic, table, span, ground.rules))
        else:
            looked.add(name, await check_minutes(connection, BY_HOUR[name], span))
            looked.add(name, await check_hours(connection, BY_HOUR[name], span))
    return looked


async def settle(connection: asyncpg.Connection, looked: Looked, ground: Ground) -> bool:
    """Remember what tables without a difference hold, and take their marks away; what differs stays to be looked at.

    False where retention has removed something since the snapshot: then nothing is remembered.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('ingest.retire'))")
        if await connection.fetchval(_RETIRED) != ground.retired:
            return False
        for table, held in looked.held.items():
            if looked.is_clean(table):
                await remember(connection, table, held)
        await take_away(connection, [mark for mark in ground.marks.marks if _is_done(mark, looked, ground.marks)])
    return True


def _is_done(mark: Mark, looked: Looked, marks: Marks) -> bool:
    is_seen = mark.bucket in looked.seen.get(mark.table, ()) and not marks.is_open(mark.table, mark.bucket)
    return is_seen and looked.is_clean(mark.table)


async def keep_report(connection: asyncpg.Connection, report: Report) -> None:
    """Note how it went where every worker can read it."""
    found = report.covered
    succeeded = not report.differences and _RETIRED_MEANWHILE not in found.left_out
    values = (report.seconds, found.hours, found.rows, list(found.left_out), list(report.differences), succeeded)
    await connection.execute(_KEEP, report.scope, *values)


async def _older_days(connection: asyncpg.Connection) -> list[datetime]:
    return _days(await read_marks(connection))[:-_LAST_DAYS]


def _days(marks: Marks) -> list[datetime]:
    hours = {mark.bucket for mark in marks.marks} | {hour for _, hour in marks.waiting}
    return sorted({day_of(hour) for hour in hours})


def _join(sums: Sums, more: Sums) -> None:
    sums.records.update(more.records)
    sums.hours += more.hours
    sums.rows += more.rows
    known = [moment for moment in (sums.oldest, more.oldest) if moment is not None]
    sums.oldest = min(known, default=None)


def _differences(ground: Ground, sums: Sums, looked: Looked) -> list[str]:
    counted = sums.records + ground.beside.accepted
    for table, hours in looked.held.items():
        for one in hours.values():
            counted.update({place_of(RAW[table][0], partition): n for partition, n in one.records.items()})
    counts = Counts(counted, ground.beside.rejected, ground.beside.missing, ground.beside.reset)
    found = [difference for several in looked.differences.values() for difference in several]
    return [*check_partitions(ground.lines), *check_counts(ground.lines, counts), *dict.fromkeys(found)]


def _left_out(marks: Marks) -> list[str]:
    hours = len([name for name, _ in marks.waiting if name in BY_HOUR])
    said = [f"{hours:,} hours that are still to be added up"] if hours else []
    return [*said, *([f"{len(marks.deferred):,} hours with minutes that are"] if marks.deferred else [])]


_RETIRED_MEANWHILE = "retention removed rows meanwhile: what was read is not remembered, and is to be read again"
_RETIRED = "SELECT count(*) FROM ingest.retired"
_KEEP = """
UPDATE ingest.verification
SET started_at = now() - make_interval(secs => $2), finished_at = now(), seconds = $2, hours = $3, rows = $4,
    left_out = $5, differences = $6, found = '{}', succeeded_at = CASE WHEN $7 THEN now() ELSE succeeded_at END
WHERE scope = $1
"""
