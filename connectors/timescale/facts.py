"""Fact tables: stored facts read, and the changes of a fold written with their restatements."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import asyncpg

from connectors.timescale.pool import Connection
from schemas.facts import FactTable
from schemas.tables import Kind
from streams.facts.fact import Fact
from streams.facts.restate import Changes, Reason, Stored

_ARRAYS: Final[Mapping[Kind, str]] = {
    "time": "timestamptz[]",
    "text": "text[]",
    "float": "double precision[]",
    "int": "bigint[]",
    "smallint": "smallint[]",
    "bool": "boolean[]",
    "jsonb": "text[]",
}


async def read_facts(connection: Connection, table: FactTable, among: str, *values: Any) -> list[Stored]:
    """Stored facts `f`; `among` is a clause of ours, from WHERE or JOIN on."""
    names = ", ".join(f"f.{name}" for name in (*table.column_names, "revision", "recorded_at"))
    rows = await connection.fetch(f"SELECT {names} FROM {table.name} AS f {among}", *values)  # noqa: S608
    return [_stored(table, row) for row in rows]


async def write_changes(connection: Connection, table: FactTable, changes: Changes, reason: Reason) -> None:
    """Write what a fold changed; facts that were withdrawn once go on counting their revisions."""
    if changes.new:
        revisions = await _next_revisions(connection, table, changes.new)
        await _put(connection, table, changes.new, revisions)
    if changes.progressed:
        # Not finished when it was written: no restatement. Its revision stays.
        await _update(connection, _progress(table), table, changes.progressed)
    if changes.carried:
        await _update(connection, _carry(table), table, changes.carried)
    if changes.restated:
        facts = [fact for _, fact in changes.restated]
        arrays = [*_arrays(table, facts), table.kind, reason]
        await connection.execute(_restate(table), *arrays)
    if changes.withdrawn:
        sites, keys = [f.values["site"] for f in changes.withdrawn], [f.key for f in changes.withdrawn]
        await connection.execute(_withdraw(table), sites, keys, table.kind)


def merge(changes: Iterable[Changes]) -> Changes:
    """The changes of several keys as one."""
    every = tuple(changes)
    return Changes(
        tuple(fact for one in every for fact in one.new),
        tuple(fact for one in every for fact in one.progressed),
        tuple(pair for one in every for pair in one.restated),
        tuple(fact for one in every for fact in one.withdrawn),
        tuple(fact for one in every for fact in one.carried),
    )


def _stored(table: FactTable, row: asyncpg.Record) -> Stored:
    values = {
        column.name: json.loads(row[column.name])
        if column.kind == "jsonb" and row[column.name] is not None
        else row[column.name]
        for column in table.columns
    }
    return Stored(values[table.key], values, row["revision"], row["recorded_at"])


async def _next_revisions(connection: Connection, table: FactTable, facts: Sequence[Fact]) -> list[int]:
    sites, keys = [fact.values["site"] for fact in facts], [fact.key for fact in facts]
    rows = await connection.fetch(_LAST_REVISIONS, table.kind, sites, keys)
    last = {(row["site"], row["key"]): row["revision"] for row in rows}
    return [last.get((site, key), 0) + 1 for site, key in zip(sites, keys, strict=True)]


async def _put(connection: Connection, table: FactTable, facts: Sequence[Fact], revisions: Sequence[int]) -> None:
    await connection.execute(_insert(table), *_arrays(table, facts), revisions)


async def _update(connection: Connection, statement: str, table: FactTable, facts: Sequence[Fact]) -> None:
    await connection.execute(statement, *_arrays(table, facts))


def _arrays(table: FactTable, facts: Sequence[Fact]) -> list[list[Any]]:
    arrays = []
    for column in table.columns:
        values = [fact.values[column.name] for fact in facts]
        is_json = column.kind == "jsonb"
        arrays.append([_json(value) for value in values] if is_json else values)
    return arrays


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))


_LAST_REVISIONS = """
SELECT r.site, r.key, max(r.revision) AS revision
FROM unnest($2::text[], $3::text[]) AS k(site, key)
JOIN kpi.restatement AS r ON r.kind = $1 AND r.site = k.site AND r.key = k.key
GROUP BY 1, 2
"""


@cache
def _values(table: FactTable) -> str:
    arrays = ", ".join(f"${n}::{_ARRAYS[c.kind]}" for n, c in enumerate(table.columns, start=1))
    typed = ", ".join(f"{c.name}::jsonb" if c.kind == "jsonb" else c.name for c in table.columns)
    names = ", ".join(table.column_names)
    return f"SELECT {typed} FROM unnest({arrays}) AS u({names})"  # noqa: S608


@cache
def _insert(table: FactTable) -> str:
    names = ", ".join(table.column_names)
    arrays = ", ".join(f"${n}::{_ARRAYS[c.kind]}" for n, c in enumerate(table.columns, start=1))
    typed = ", ".join(f"{c.name}::jsonb" if c.kind == "jsonb" else c.name for c in table.columns)
    # A fact that another worker wrote since our snapshot is a conflict to try again, not one to overwrite.
    return (
        f"INSERT INTO {table.name} ({names}, revision) SELECT {typed}, revision "  # noqa: S608
        f"FROM unnest({arrays}, ${len(table.columns) + 1}::bigint[]) AS u({names}, revision)"
    )


@cache
def _progress(table: FactTable) -> str:
    return (
        f"UPDATE {table.name} AS f SET {_assignments(table)}, recorded_at = now() FROM ({_values(table)}) AS v "  # noqa: S608
        f"WHERE f.site = v.site AND f.{table.key} = v.{table.key}"
    )


@cache
def _carry(table: FactTable) -> str:
    return (
        f"UPDATE {table.name} AS f SET state = v.state FROM ({_values(table)}) AS v "  # noqa: S608
        f"WHERE f.site = v.site AND f.{table.key} = v.{table.key}"
    )


@cache
def _restate(table: FactTable) -> str:
    count = len(table.columns)
    # The last part still sees the old rows: all parts of one statement read the same snapshot.
    return (
        f"WITH v AS ({_values(table)}), new AS ("  # noqa: S608
        f"UPDATE {table.name} AS f SET {_assignments(table)}, revision = f.revision + 1, recorded_at = now() "
        f"FROM v WHERE f.site = v.site AND f.{table.key} = v.{table.key} RETURNING f.*) "
        "INSERT INTO kpi.restatement (kind, site, key, old, new, old_recorded_at, revision, changed_at, reason) "
        f"SELECT ${count + 1}, old.site, old.{table.key}, to_jsonb(old), to_jsonb(new), old.recorded_at, new.revision, "
        f"now(), ${count + 2} FROM new JOIN {table.name} AS old ON old.site = new.site AND old.{table.key} = new.{table.key}"
    )


@cache
def _withdraw(table: FactTable) -> str:
    return (
        f"WITH gone AS (DELETE FROM {table.name} AS f USING unnest($1::text[], $2::text[]) AS k(site, key) "  # noqa: S608
        f"WHERE f.site = k.site AND f.{table.key} = k.key RETURNING f.*) "
        "INSERT INTO kpi.restatement (kind, site, key, old, new, old_recorded_at, revision, changed_at, reason) "
        f"SELECT $3, site, {table.key}, to_jsonb(gone), NULL, recorded_at, revision + 1, now(), 'withdrawn' FROM gone"
    )


def _assignments(table: FactTable) -> str:
    return ", ".join(f"{name} = v.{name}" for name in table.column_names if name not in (table.key, "site"))
