"""Removes raw rows that are older than what is kept, and evidence older than a year; counts before it drops.

What is kept is the longer of the raw retention and `max_age`, as configured now or as kept in
`ingest.setting`: history that was deliberately loaded stays. Removing is done by functions of the
database (migration 0009), so the worker's role can call this on its timer.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.timescale.pool import Connection
from schemas.tables import RAW_TABLES

EVIDENCE_KEPT = timedelta(days=365)
DEAD_LETTERS = "ingest.dead_letter"
EVIDENCE = "lost ranges, gaps, idle streams, ended pauses and restatements"

_SETTINGS = "SELECT name, value FROM ingest.setting WHERE name IN ('raw_retention_s', 'max_age_s')"


@dataclass(frozen=True, slots=True)
class Kept:
    """How long raw rows and how long evidence (dead letters, gaps, lost ranges) are kept."""

    raw: timedelta
    evidence: timedelta = EVIDENCE_KEPT


@dataclass(frozen=True, slots=True)
class Removal:
    """What was, or in a dry run would be, removed from one table."""

    table: str
    rows: int
    older_than: datetime


async def effective_kept(connection: Connection, raw_retention: timedelta, max_age: timedelta) -> Kept:
    """The longest of what is configured and what the database remembers was in force when rows were loaded."""
    remembered = [timedelta(seconds=float(json.loads(row["value"]))) for row in await connection.fetch(_SETTINGS)]
    raw = max(raw_retention, max_age, *remembered)
    return Kept(raw, max(raw, EVIDENCE_KEPT))


async def retire_expired(connection: Connection, kept: Kept, now: datetime) -> list[Removal]:
    """Remove whole chunks (days of raw rows, weeks of dead letters) and old evidence; one transaction per chunk.

    Waits at most ten seconds for a chunk that is being written, then raises asyncpg.LockNotAvailableError;
    what was removed until then stays removed and counted.
    """
    removals = []
    for table, older_than in _bounds(kept, now):
        rows = 0
        for chunk in await connection.fetch(_WHOLE_CHUNKS, table, older_than):
            rows += await connection.fetchval("SELECT ingest.retire($1, $2)", table, chunk["range_end"])
        removals.append(Removal(table, rows, older_than))
    older_than = now - kept.evidence
    rows = await connection.fetchval("SELECT ingest.forget($1, $2)", older_than, now - kept.raw)
    return [*removals, Removal(EVIDENCE, rows, older_than)]


async def find_expired(connection: Connection, kept: Kept, now: datetime) -> list[Removal]:
    """What `retire_expired` would remove; changes nothing."""
    removals = []
    for table, older_than in _bounds(kept, now):
        removals.append(Removal(table, await _expired_rows(connection, table, older_than), older_than))
    older_than = now - kept.evidence
    return [
        *removals,
        Removal(EVIDENCE, await connection.fetchval(_OLD_EVIDENCE, older_than, now - kept.raw), older_than),
    ]


def _bounds(kept: Kept, now: datetime) -> list[tuple[str, datetime]]:
    raw = [(table.name, now - kept.raw) for table in RAW_TABLES]
    return [*raw, (DEAD_LETTERS, now - kept.evidence)]


async def _expired_rows(connection: Connection, table: str, older_than: datetime) -> int:
    """The rows in whole chunks that end at or before `older_than`."""
    chunks = await connection.fetch(_WHOLE_CHUNKS, table, older_than)
    if not chunks:
        return 0
    time = "received_at" if table == DEAD_LETTERS else "time"
    statement = f"SELECT count(*) FROM {table} WHERE {time} < $1"  # noqa: S608 -- our own table names
    return int(await connection.fetchval(statement, chunks[-1]["range_end"]))


_WHOLE_CHUNKS = """
SELECT range_end FROM timescaledb_information.chunks
WHERE hypertable_schema || '.' || hypertable_name = $1 AND range_end <= $2 ORDER BY range_end
"""
_OLD_EVIDENCE = """
SELECT (SELECT count(*) FROM ingest.lost_range WHERE noticed_at < $1)
     + (SELECT count(*) FROM ingest.sequence_gap WHERE coalesce(filled_at, noticed_at) < $1)
     + (SELECT count(*) FROM ingest.sequence_stream WHERE updated_at < $2)
     + (SELECT count(*) FROM ingest.partition_pause WHERE resumed_at < $1)
     + (SELECT count(*) FROM kpi.restatement WHERE changed_at < $1)
"""
