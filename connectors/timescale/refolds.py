"""Folding again, in one transaction: marks of some keys, their raw rows, the fold, what it changes, marks gone.

Nobody folds a key beside us: keys are locked, and a key that was folded since our snapshot began has lost a mark we
see, so that locking the mark conflicts and all is tried again. Rows stored meanwhile have marks that we do not see.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from connectors.timescale.facts import merge, write_changes
from connectors.timescale.faults import fault_of
from connectors.timescale.pool import Connection, Pool
from connectors.timescale.raw_rows import LOOK_UP
from connectors.timescale.refold_keys import HELD, due_keys
from connectors.timescale.replays import is_replayed
from schemas.errors import Fault
from schemas.facts import FactTable
from schemas.identifiers import site_of
from streams.facts.kinds import KeyedKind
from streams.facts.marks import CLOCK, EVER_US
from streams.facts.restate import Changes, Reason
from streams.facts.store import Hold, Key, Refolded, Waiting

_LOCK_SPACE = 0x7266  # the first key of our advisory locks
_EVER = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=EVER_US)
_LONGEST_BACK_OFF_S = 3_600.0
SITE_CLOCK = "ingest.site_clock"
# What cells tell moves no other clock (migration 0028).
CELL_TIME = "ingest.cell_time"


@dataclass(frozen=True, slots=True)
class Work:
    """One key to fold again: its marks, and from when to when they reach."""

    key: str
    marks: tuple[int, ...]
    since: datetime
    until: datetime
    is_definition: bool

    @property
    def site(self) -> str:
        """Keys are cranes (a subject) or begin with the site."""
        site, slash, _ = self.key.partition("/")
        return site if slash else site_of(self.key)


@dataclass(frozen=True, slots=True)
class Due:
    """A part of a key that is to be folded again, from `since` on, when its site's clock has passed `due_at`; None: never."""

    key: str
    part: str
    since: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What folding each key changes, or why it could not be folded; and what time alone will change."""

    changes: Mapping[str, Changes] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    dues: Sequence[Due] = ()


class Folding(Protocol):
    """Reads and folds the keys of one kind; writes nothing."""

    @property
    def table(self) -> FactTable:
        """Where its facts are."""

    @property
    def raw(self) -> Sequence[str]:
        """The raw tables it reads."""

    async def fold(
        self, connection: Connection, works: Sequence[Work], clocks: Mapping[str, datetime], horizon: datetime
    ) -> Outcome:
        """`clocks` are the newest event times by site; facts that began before `horizon` have lost raw rows and stay."""


class TimescaleFactStore:
    """Marks and facts of one database; every method may raise the driver's errors."""

    def __init__(self, pool: Pool, foldings: Mapping[str, Folding], keyed: Mapping[str, KeyedKind]) -> None:
        self._pool = pool
        self._foldings = foldings
        self._keyed = keyed

    async def waiting(self) -> Waiting:
        """How much is to be done."""
        async with self._pool.acquire() as connection:
            return await count_waiting(connection, self._foldings)

    async def due(self, patience: Mapping[str, timedelta], limit: int, hold: Hold | None = None) -> Sequence[Key]:
        """Keys whose oldest mark is older than their kind's patience, the oldest first, all of one kind."""
        async with self._pool.acquire() as connection:
            return await due_keys(connection, patience, limit, hold)

    async def refold(self, keys: Sequence[Key]) -> Refolded:
        """Fold keys of one kind again, all or nothing; those that another worker is folding are left to it."""
        folding = self._foldings[keys[0].kind]
        async with self._pool.acquire() as connection:
            async with connection.transaction(isolation="repeatable_read"):
                await connection.execute(LOOK_UP)
                works = await _take(connection, keys)
                known = await _clocks(connection, folding.table.kind, works)
                clocks = _set_by(works, known)
                outcome = await folding.fold(connection, works, clocks, await horizon_of(connection, folding.raw))
                done = [work for work in works if work.key not in outcome.failed]
                restatements = await _write(connection, folding.table, done, outcome.changes)
                await _take_away(connection, folding.table.kind, done)
                await _await(connection, folding.table.kind, outcome.dues)
            moved = {site: at for site, at in clocks.items() if at != known.get(site)}
            await _advance(connection, folding.table.kind, moved)
        return _summary(folding.table.kind, keys, done, outcome, restatements)

    async def fail(self, failed: Mapping[Key, str]) -> None:
        """Remember why keys failed: tried again after 10 s, 20 s, … at most an hour."""
        rows = [(key.kind, key.key, detail[:2_000].replace("\0", "\\0")) for key, detail in sorted(failed.items())]
        async with self._pool.acquire() as connection:
            await connection.executemany(_FAIL, [(*row, _LONGEST_BACK_OFF_S) for row in rows])

    async def advance_clocks(self) -> None:
        """One statement: marks that are taken have moved their site's clock."""
        async with self._pool.acquire() as connection:
            await connection.execute(_TICK, CLOCK)

    async def close_by_age(self) -> int:
        """Mark what is open and was heard of last longer ago than its kind's patience, and what is due, by its site's clock."""
        async with self._pool.acquire() as connection:
            marked = int((await connection.execute(_MARK_DUE)).rpartition(" ")[2])
            for name, kind in self._keyed.items():
                horizon = await horizon_of(connection, kind.raw)
                status = await connection.execute(_overdue(kind), name, kind.patience, horizon)
                marked += int(status.rpartition(" ")[2])
        return marked

    def fault_of(self, error: Exception) -> Fault:
        """By SQLSTATE and class (faults.py)."""
        return fault_of(error)


def clock_of(kind: str) -> str:
    """The table of the newest event times by site that facts of this kind are judged by."""
    return CELL_TIME if kind == "cell_alarm" else SITE_CLOCK


async def count_waiting(connection: Connection, kinds: Iterable[str]) -> Waiting:
    """How much of these kinds is to be done, by whichever worker, and whether clocks have to move."""
    row = await connection.fetchrow(_WAITING, [*kinds, CLOCK])
    return Waiting(row["marks"], row["oldest_s"], row["failing"]) if row else Waiting()


async def fold_in_thread(fold: Any, works: Iterable[Work]) -> tuple[dict[str, Any], dict[str, str]]:
    """Facts, or the reason there are none, by key. In a thread: the lanes go on meanwhile. A fold may fail as it likes."""

    def run() -> tuple[dict[str, Any], dict[str, str]]:
        folded, failed = {}, {}
        for work in works:
            try:
                folded[work.key] = fold(work)
            except Exception as error:  # noqa: BLE001  (one key's poison is not the others')
                failed[work.key] = f"{type(error).__name__}: {error}"
        return folded, failed

    return await asyncio.to_thread(run)


async def _take(connection: Connection, keys: Sequence[Key]) -> list[Work]:
    """Lock what nobody else has locked, and read all its marks."""
    kind = keys[0].kind
    free = await connection.fetch(_LOCK, kind, [key.key for key in keys], _LOCK_SPACE)
    rows = await connection.fetch(_MARKS, kind, [row["key"] for row in free])
    return [Work(row["key"], tuple(row["marks"]), row["since"], row["until"], row["definition"]) for row in rows]


async def _clocks(connection: Connection, kind: str, works: Sequence[Work]) -> dict[str, datetime]:
    """The newest event time known so far, of each site."""
    query = f"SELECT site, newest FROM {clock_of(kind)} WHERE site = ANY($1::text[])"  # noqa: S608
    rows = await connection.fetch(query, sorted({work.site for work in works}))
    return {row["site"]: row["newest"] for row in rows}


def _set_by(works: Sequence[Work], clocks: Mapping[str, datetime]) -> dict[str, datetime]:
    """The clocks after these marks."""
    after = dict(clocks)
    for work in works:
        newest = work.until if work.until < _EVER else work.since
        after[work.site] = max(after.get(work.site, newest), newest)
    return after


async def horizon_of(connection: Connection, raw: Sequence[str]) -> datetime:
    """Rows of these raw tables before this time may be gone."""
    found: datetime | None = await connection.fetchval(_HORIZON, list(raw))
    return found or datetime(1970, 1, 1, tzinfo=UTC)


async def _write(
    connection: Connection, table: FactTable, works: Sequence[Work], changes: Mapping[str, Changes]
) -> Counter[Reason]:
    """Write everything, grouped by why it is restated."""
    by_reason: dict[Reason, list[Changes]] = {}
    for work in works:
        if not changes[work.key].is_empty:
            by_reason.setdefault(await _reason(connection, table, work, changes[work.key]), []).append(
                changes[work.key]
            )
    counts: Counter[Reason] = Counter()
    for reason, several in by_reason.items():
        merged = merge(several)
        await write_changes(connection, table, merged, reason)
        counts[reason] += len(merged.restated)
        counts["withdrawn"] += len(merged.withdrawn)
    return +counts


async def _reason(connection: Connection, table: FactTable, work: Work, changes: Changes) -> Reason:
    if not changes.restated:
        return "late"
    if work.is_definition:
        return "definition"
    known = min(stored.recorded_at for stored, _ in changes.restated)
    return "replayed" if await is_replayed(connection, table.kind, work.key, known) else "late"


async def _take_away(connection: Connection, kind: str, works: Sequence[Work]) -> None:
    marks = [mark for work in works for mark in work.marks]
    if marks:
        await connection.execute("DELETE FROM ingest.refold WHERE id = ANY($1::bigint[])", marks)
        await connection.execute(
            "DELETE FROM ingest.refold_failure WHERE kind = $1 AND key = ANY($2::text[])",
            kind,
            [work.key for work in works],
        )


async def _await(connection: Connection, kind: str, dues: Sequence[Due]) -> None:
    """Remember what time alone will change: one row per part of a key, written by who folds the key."""
    over = [due for due in dues if due.due_at is None]
    if over:
        await connection.execute(_FORGET_DUE, kind, [due.key for due in over], [due.part for due in over])
    for due in dues:
        if due.due_at is not None:
            await connection.execute(_EXPECT, kind, due.key, due.part, due.key.partition("/")[0], due.since, due.due_at)


async def _advance(connection: Connection, kind: str, clocks: Mapping[str, datetime]) -> None:
    """After the commit, by itself: sites are shared by all keys, and keys must not wait for each other."""
    if clocks:
        sites = sorted(clocks)
        table = "ingest.cell_clock" if clock_of(kind) == CELL_TIME else SITE_CLOCK
        await connection.execute(_ADVANCE.format(table=table), sites, [clocks[site] for site in sites])


def _summary(
    kind: str, keys: Sequence[Key], done: Sequence[Work], outcome: Outcome, restatements: Counter[Reason]
) -> Refolded:
    changes = merge(outcome.changes[work.key] for work in done)
    written = len(changes.new) + len(changes.progressed) + len(changes.restated)
    return Refolded(
        keys=tuple(Key(kind, work.key) for work in done),
        marks=sum(len(work.marks) for work in done),
        facts={kind: written},
        restatements={(kind, reason): count for reason, count in restatements.items()},
        failed={Key(kind, key): why for key, why in outcome.failed.items()},
        busy=len(keys) - len(done) - len(outcome.failed),
    )


_WAITING = f"""
SELECT count(*) AS marks, coalesce(extract(epoch FROM now() - min(marked_at)), 0)::float8 AS oldest_s,
       (SELECT count(*) FROM ingest.refold_failure) AS failing
FROM ingest.refold AS m WHERE kind = ANY($1::text[]) AND NOT EXISTS ({HELD})
"""  # noqa: S608
_LOCK = """
SELECT key FROM unnest($2::text[]) AS key WHERE pg_try_advisory_xact_lock($3, hashtext($1 || '/' || key))
"""
_MARKS = """
SELECT key, array_agg(id) AS marks, min(from_time) AS since, max(to_time) AS until,
       bool_and(reason = 'definition') AS definition
FROM (SELECT * FROM ingest.refold WHERE kind = $1 AND key = ANY($2::text[]) FOR UPDATE) AS m GROUP BY key ORDER BY key
"""
_ADVANCE = """
INSERT INTO {table} AS c (site, newest) SELECT * FROM unnest($1::text[], $2::timestamptz[])
ON CONFLICT (site) DO UPDATE SET newest = EXCLUDED.newest WHERE c.newest < EXCLUDED.newest
"""
_TICK = """
WITH gone AS (DELETE FROM ingest.refold WHERE kind = $1 RETURNING key, to_time)
INSERT INTO ingest.site_clock AS c (site, newest) SELECT key, max(to_time) FROM gone GROUP BY key ORDER BY key
ON CONFLICT (site) DO UPDATE SET newest = EXCLUDED.newest WHERE c.newest < EXCLUDED.newest
"""
_EXPECT = """
INSERT INTO ingest.refold_due (kind, key, part, site, since, due_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, key, part) DO UPDATE SET since = EXCLUDED.since, due_at = EXCLUDED.due_at
"""
_FORGET_DUE = """
DELETE FROM ingest.refold_due AS d USING unnest($2::text[], $3::text[]) AS o(key, part)
WHERE d.kind = $1 AND d.key = o.key AND d.part = o.part
"""
_MARK_DUE = """
INSERT INTO ingest.refold (kind, key, from_time, to_time)
SELECT d.kind, d.key, min(d.since), max(d.since)
FROM ingest.refold_due AS d JOIN ingest.cell_time AS c ON c.site = d.site
WHERE d.due_at < c.newest AND NOT EXISTS (SELECT FROM ingest.refold AS m WHERE m.kind = d.kind AND m.key = d.key)
GROUP BY d.kind, d.key
"""
_HORIZON = "SELECT max(to_time) FROM ingest.retired WHERE table_name = ANY($1::text[])"
_FAIL = """
INSERT INTO ingest.refold_failure AS f (kind, key, failures, detail, failed_at, retry_at)
VALUES ($1, $2, 1, $3, now(), now() + make_interval(secs => 10))
ON CONFLICT (kind, key) DO UPDATE SET failures = f.failures + 1, detail = EXCLUDED.detail, failed_at = now(),
    retry_at = now() + make_interval(secs => least($4::float8, 10 * 2 ^ least(f.failures, 20)))
"""


def _overdue(kind: KeyedKind) -> str:
    # An index of what is open, by last_at, makes this cheap however many facts there are.
    key = f"f.site || '/' || f.{kind.column}"
    return (
        f"INSERT INTO ingest.refold (kind, key, from_time, to_time) SELECT $1, {key}, min(f.last_at), max(f.last_at) "  # noqa: S608
        f"FROM {kind.table.name} AS f JOIN {clock_of(kind.table.kind)} AS c ON c.site = f.site "
        "WHERE f.outcome = 'open' AND f.last_at <= c.newest - $2::interval AND f.first_at >= $3 "
        f"AND NOT EXISTS (SELECT FROM ingest.refold AS m WHERE m.kind = $1 AND m.key = {key}) GROUP BY 2"
    )
