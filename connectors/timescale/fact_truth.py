"""Facts against the truth of a simulated run: each fact it names, in the columns it names, and no other of its keys.

A truth that cannot know a fact's key leaves it out: the fact is then the one of its owner at that time.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from schemas.facts import FACT_TABLES, FactTable

Row = Mapping[str, Any]
SHOWN: Final = 3
RELATIVE: Final = 1e-6
_OWNERS: Final = {"crane_cycle": "crane_id", "cargo_visit": "equipment_reference", "cell_alarm": "alarm_key"}


async def check_fact_truth(connection: asyncpg.Connection, facts: Mapping[str, Sequence[Row]]) -> list[str]:
    """Everything in which fact tables differ from a truth file's `facts`, in words."""
    unknown = sorted(facts.keys() - {table.name for table in FACT_TABLES})
    differences = [f"truth: {name} is no fact table" for name in unknown]
    for table in FACT_TABLES:
        if table.name in facts:
            stored = await _stored(connection, table, facts[table.name])
            differences += _first(list(compare_facts(table, facts[table.name], stored)), table.name)
    return differences


def compare_facts(table: FactTable, expected: Sequence[Row], stored: Mapping[tuple[str, str], Row]) -> Iterator[str]:
    """Numbers within 1e-6 relative (a truth is written with few digits), anything else equal."""
    at_time = {(*_owner(table, row), row[table.at]): place for place, row in stored.items()}
    places = [_place(table, row, at_time) for row in expected]
    for place, row in zip(places, expected, strict=True):
        found = None if place is None else stored.get(place)
        problem = "is missing" if found is None else _unequal(table, row, found)
        if problem:
            name = row.get(table.key) or f"of {_owner(table, row)[1]} at {row[table.at]}"
            yield f"truth: {table.name} {name}: {problem}"
    spans = _spans(table, expected)
    for place in sorted(stored.keys() - {place for place in places if place}):
        row = stored[place]
        start, end = spans.get(_owner(table, row), (None, None))
        if start is not None and end is not None and start <= row[table.at] <= end:
            yield f"truth: {table.name} {place[1]}: is not expected"


def _place(
    table: FactTable, row: Row, at_time: Mapping[tuple[str, str, datetime], tuple[str, str]]
) -> tuple[str, str] | None:
    if table.key in row:
        return row["site"], row[table.key]
    return at_time.get((*_owner(table, row), _time(row[table.at])))


async def _stored(
    connection: asyncpg.Connection, table: FactTable, expected: Sequence[Row]
) -> dict[tuple[str, str], Row]:
    """The facts of everything the truth speaks of."""
    column = _OWNERS.get(table.kind, table.key)
    owners = sorted({_owner(table, row) for row in expected})
    rows = await connection.fetch(
        f"SELECT * FROM {table.name} WHERE (site, {column}) IN (SELECT * FROM unnest($1::text[], $2::text[]))",  # noqa: S608
        [site for site, _ in owners],
        [owner for _, owner in owners],
    )
    return {(row["site"], row[table.key]): dict(row) for row in rows}


def _owner(table: FactTable, row: Row) -> tuple[str, str]:
    """What a fact is of: a crane, a container, or itself; where a truth does not say, its id does."""
    column = _OWNERS.get(table.kind, table.key)
    return row["site"], row[column] if column in row else row[table.key].rpartition("/")[0].rpartition("/")[2]


def _spans(table: FactTable, expected: Sequence[Row]) -> dict[tuple[str, str], tuple[datetime, datetime]]:
    spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for row in expected:
        if row.get(table.at):
            at, owner = _time(row[table.at]), _owner(table, row)
            start, end = spans.get(owner, (at, at))
            spans[owner] = min(start, at), max(end, at)
    return spans


def _unequal(table: FactTable, expected: Row, found: Row) -> str:
    kinds: dict[str, str] = {column.name: column.kind for column in table.columns}
    kinds["revision"] = "int"
    return "; ".join(
        f"{name} is {found[name]}, expected {value}" if name in kinds else f"{name} is no column"
        for name, value in expected.items()
        if name not in kinds or not _same(kinds[name], found[name], value)
    )


def _same(kind: str, found: Any, expected: Any) -> bool:
    if found is None or expected is None:
        return found is expected
    if kind == "time":
        return bool(found == _time(expected))
    if kind == "jsonb":
        return _alike(json.loads(found) if isinstance(found, str) else found, expected)
    return _alike(found, expected)


def _alike(found: Any, expected: Any) -> bool:
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, int | float) and isinstance(expected, int | float):
        return math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=RELATIVE)
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        return found.keys() == expected.keys() and all(_alike(found[name], expected[name]) for name in found)
    return bool(found == expected)


def _time(text: str | datetime) -> datetime:
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)


def _first(lines: Sequence[str], what: str) -> list[str]:
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], f"truth: {what}: {more} more facts differ"] if more > 0 else list(lines)
