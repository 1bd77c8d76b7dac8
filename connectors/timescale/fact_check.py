"""Facts against raw rows: folding a key again must change nothing. Reads one snapshot, writes nothing.

Keys with marks are left out (they are to be folded yet), and so is what began before retention's horizon. That a visit
is to be closed by age, or a cell has been silent for too long, is no difference either: the worker tells it in a minute.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import asyncpg

from connectors.timescale.refolds import Folding, Outcome, Work, clock_of, horizon_of
from connectors.timescale.spans import LONG_AGO, Period
from schemas.facts import FactTable
from streams.facts.fact import OPEN, Fact
from streams.facts.kinds import KeyedKind
from streams.facts.restate import Changes

SHOWN = 3
CHUNK_KEYS = 500
_FAILING = "SELECT kind, key, failures, detail FROM ingest.refold_failure ORDER BY kind, key"


async def check_failing(connection: asyncpg.Connection) -> list[str]:
    """Keys whose fold failed, in words; cheap."""
    rows = await connection.fetch(_FAILING)
    lines = [f"{row['kind']} {row['key']}: cannot be folded ({row['failures']} times): {row['detail']}" for row in rows]
    return first_of(lines, "facts")


async def check_facts(
    connection: asyncpg.Connection,
    foldings: Mapping[str, Folding],
    keyed: Mapping[str, KeyedKind],
    period: Period = Period(),  # noqa: B008
) -> list[str]:
    """Everything in which stored facts differ from what their raw rows say, in words.

    Reads all raw rows of the kinds there are: about as long as folding them did. With a `period`: of the keys that have
    rows in it, or facts that began in it.
    """
    return [
        difference
        for name, folding in foldings.items()
        for difference in await check_kind(connection, folding, keyed.get(name), period)
    ]


async def check_kind(
    connection: asyncpg.Connection,
    folding: Folding,
    kind: KeyedKind | None,
    period: Period = Period(),  # noqa: B008
) -> list[str]:
    """The same of one kind of facts."""
    name = folding.table.kind
    told = await connection.fetch(f"SELECT site, newest FROM {clock_of(name)}")  # noqa: S608
    clocks = {row["site"]: row["newest"] for row in told}
    horizon = await horizon_of(connection, folding.raw)
    since, until = max(period.since, horizon), min(period.until, datetime.now(UTC))
    keys = await connection.fetch(_keys(folding, kind), name, since, period.until)
    works = [Work(row["key"], (), since, max(since, until), is_definition=False) for row in keys]
    lines: list[str] = []
    for chunk in _chunks(works):
        known = {work.site: clocks.get(work.site, LONG_AGO) for work in chunk}
        lines += _lines(folding, await _without_age(connection, folding, chunk, (known, horizon)))
    return first_of(lines, folding.table.name)


async def _without_age(
    connection: asyncpg.Connection,
    folding: Folding,
    works: Sequence[Work],
    at: tuple[Mapping[str, datetime], datetime],
) -> Outcome:
    """What folding changes, also when nothing is closed by age."""
    clocks, horizon = at
    outcome = await folding.fold(connection, works, clocks, horizon)
    suspects = [work for work in works if work.key in outcome.changes and outcome.changes[work.key].progressed]
    if not suspects:
        return outcome
    young = await folding.fold(connection, suspects, dict.fromkeys(clocks, LONG_AGO), horizon)
    same = {key for key, changes in young.changes.items() if changes.is_empty}
    return Outcome({key: c for key, c in outcome.changes.items() if key not in same}, outcome.failed)


def _lines(folding: Folding, outcome: Outcome) -> Iterator[str]:
    name = folding.table.name
    for key, why in outcome.failed.items():
        yield f"{name} {key}: cannot be folded: {why}"
    for changes in outcome.changes.values():
        yield from (f"{name} {said}" for said in said_of(folding.table, changes))


def said_of(table: FactTable, changes: Changes) -> Iterator[str]:
    """What folding again changes, in words."""
    yield from (f"{fact.key}: its raw rows are there, the fact is not" for fact in changes.new if not _is_silence(fact))
    yield from (f"{fact.key}: no raw rows say so" for fact in changes.withdrawn)
    yield from (f"{fact.key}: has gone on in its raw rows" for fact in changes.progressed)
    for stored, fact in (pair for pair in changes.restated if not _is_silence(pair[1])):
        names = [n for n in table.column_names if stored.values[n] != fact.values[n] and n != "state"]
        said = "; ".join(f"{n} is {stored.values[n]}, folded {fact.values[n]}" for n in names)
        yield f"{fact.key}: {said}"


def _is_silence(fact: Fact) -> bool:
    """Whether it is only time that made it: a cell is silent, which the worker tells in a minute."""
    return fact.values["outcome"] == OPEN and fact.values.get("origin") == "heartbeat"


def _keys(folding: Folding, kind: KeyedKind | None) -> str:
    column = "crane_id" if kind is None else kind.column
    key = "crane_id" if kind is None else f"site || '/' || {column}"
    began = "started_at" if kind is None else "first_at"
    inside = "time >= $2 AND time < $3"
    raw = " UNION ".join(f"SELECT {key} AS key FROM {table} WHERE {inside}" for table in folding.raw)  # noqa: S608
    told = f"SELECT {key} FROM {folding.table.name} WHERE {began} >= $2 AND {began} < $3"  # noqa: S608
    return (
        f"SELECT key FROM ({raw} UNION {told}) AS k "  # noqa: S608
        "WHERE NOT EXISTS (SELECT FROM ingest.refold AS m WHERE m.kind = $1 AND m.key = k.key) ORDER BY key"
    )


def _chunks(works: Sequence[Work]) -> Iterator[Sequence[Work]]:
    return (works[start : start + CHUNK_KEYS] for start in range(0, len(works), CHUNK_KEYS))


def first_of(lines: Iterable[str], what: str) -> list[str]:
    """Some of the differences, and how many more there are."""
    every = list(lines)
    more = len(every) - SHOWN
    return [*every[:SHOWN], f"{what}: {more} more facts differ"] if more > 0 else every
