"""Rollups against what they claim to add up: minutes recomputed from raw rows, hours from minutes.

The SQL is generated from schemas/tables.ROLLUPS. Counts, minima and maxima must be equal; sums may differ
by 1e-9 of the magnitude of what was added, because floats are added in another order.
"""

from collections.abc import Iterator

import asyncpg

from connectors.timescale.raw_rows import IMPERSONAL
from connectors.timescale.spans import EVERYTHING, Where
from schemas.tables import ROLLUPS, Measure, Rollup

RELATIVE = 1e-9
SHOWN = 3
_ZERO = ("rows", "count", "sum")


async def check_rollups(connection: asyncpg.Connection) -> list[str]:
    """Rows that differ, are missing or have nothing behind them, in words; the first few of each table."""
    differences: list[str] = []
    for rollup in ROLLUPS:
        differences += await check_minutes(connection, rollup)
        differences += await check_hours(connection, rollup)
    return differences


async def check_minutes(connection: asyncpg.Connection, rollup: Rollup, where: Where = EVERYTHING) -> list[str]:
    """Minutes against raw rows; left out are those of which something is still to be added up."""
    checked = f"bucket >= {retained_since(rollup)} AND bucket NOT IN ({_deferred(rollup.minute)})"
    recomputed = minutes_from_raw(rollup, where.where())
    return await _compare(connection, rollup, rollup.minute, recomputed, checked, where)


async def check_hours(connection: asyncpg.Connection, rollup: Rollup, where: Where = EVERYTHING) -> list[str]:
    """Hours against their minutes; left out are those that are marked, which are still to be added up."""
    stale = f"SELECT bucket FROM ingest.stale_hour WHERE table_name = '{rollup.hour}'"  # noqa: S608
    recomputed = hours_from_minutes(rollup, where.where(column="bucket"))
    return await _compare(connection, rollup, rollup.hour, recomputed, f"bucket NOT IN ({stale})", where)


def minutes_from_raw(rollup: Rollup, condition: str = "") -> str:
    """SQL that computes the minute table from the raw rows still retained, all of them or those of a `condition`.

    Beside every sum there is `<column>__size`, the sum of magnitudes.
    """
    contributions = [_contribution(rollup, table, condition) for table in rollup.contributions]
    if len(contributions) == 1:
        return contributions[0]
    parts = " UNION ALL ".join(contributions)
    return f"SELECT {_added(rollup, 'bucket')} FROM ({parts}) AS contributed GROUP BY {_key(rollup)}"  # noqa: S608


def hours_from_minutes(rollup: Rollup, condition: str = "true") -> str:
    """SQL that computes the hour table from the minute table, all of it or the minutes of a `condition`."""
    columns = [*rollup.key]
    for measure in rollup.measures:
        columns.append(measure.column)
        if measure.how == "sum":
            columns.append(f"abs({measure.column}) AS {measure.column}__size")
    listed = ", ".join(columns)
    minutes = (
        f"SELECT time_bucket(INTERVAL '1 hour', bucket) AS bucket, {listed} FROM {rollup.minute} WHERE {condition}"  # noqa: S608
    )
    return f"SELECT {_added(rollup, 'bucket')} FROM ({minutes}) AS contributed GROUP BY {_key(rollup)}"  # noqa: S608


def retained_since(rollup: Rollup) -> str:
    """SQL of the time from which every raw row behind a minute is still there: retention removes whole days."""
    names = ", ".join(f"'{name}'" for name in rollup.contributions)
    newest = f"SELECT max(to_time) FROM ingest.retired WHERE table_name IN ({names})"  # noqa: S608
    return f"coalesce(({newest}), '-infinity'::timestamptz)"


def _deferred(table: str) -> str:
    """SQL of the minutes of which something is still to be added up."""
    return f"SELECT unnest(buckets) FROM ingest.deferred_minutes WHERE table_name = '{table}'"  # noqa: S608


async def _compare(
    connection: asyncpg.Connection, rollup: Rollup, table: str, recomputed: str, checked: str, where: Where
) -> list[str]:
    checked = f"{checked} AND {where.where(column='bucket')}"
    rows = await connection.fetch(_comparison(rollup, table, recomputed, checked), *where.args)
    differences = [_describe(rollup, table, row) for row in rows[:SHOWN]]
    if len(rows) > SHOWN:
        differences.append(f"{table}: {rows[0]['total'] - SHOWN} more rows differ")
    return differences


def _comparison(rollup: Rollup, table: str, recomputed: str, checked: str) -> str:
    keys = ("bucket", *rollup.key)
    same_key = " AND ".join(f"s.{name} = r.{name}" for name in keys)
    differs = " OR ".join(_differs(measure) for measure in rollup.measures)
    shown = ", ".join(f"coalesce(s.{name}, r.{name})::text AS {name}" for name in keys)
    values = ", ".join(f"s.{m.column} AS stored_{i}, r.{m.column} AS expected_{i}" for i, m in _numbered(rollup))
    return (
        f"SELECT {shown}, s.bucket IS NULL AS absent, r.bucket IS NULL AS baseless, {values}, "  # noqa: S608
        f"count(*) OVER () AS total FROM (SELECT * FROM {table} WHERE {checked}) AS s "
        f"FULL JOIN (SELECT * FROM ({recomputed}) AS every WHERE {checked}) AS r ON {same_key} "
        f"WHERE s.bucket IS NULL OR r.bucket IS NULL OR {differs} ORDER BY 1, 2 LIMIT {SHOWN + 1}"
    )


def _describe(rollup: Rollup, table: str, row: asyncpg.Record) -> str:
    where = f"{table} {' '.join(row[name] for name in ('bucket', *rollup.key))}"
    if row["absent"]:
        return f"{where}: has no row, its rows add up to one"
    if row["baseless"]:
        return f"{where}: has a row, but nothing it could be the sum of"
    unequal = (
        f"{measure.column} is {row[f'stored_{i}']}, recomputed {row[f'expected_{i}']}"
        for i, measure in _numbered(rollup)
        if not _is_near(measure, row[f"stored_{i}"], row[f"expected_{i}"])
    )
    return f"{where}: {'; '.join(unequal) or 'sums differ'}"


def _is_near(measure: Measure, stored: float | None, expected: float | None) -> bool:
    if measure.how != "sum" or stored is None or expected is None:
        return stored == expected
    return abs(stored - expected) <= RELATIVE * max(abs(stored), abs(expected))


def _numbered(rollup: Rollup) -> Iterator[tuple[int, Measure]]:
    return enumerate(rollup.measures)


def _differs(measure: Measure) -> str:
    stored, expected = f"s.{measure.column}", f"r.{measure.column}"
    unequal = f"{stored} IS DISTINCT FROM {expected}"
    if measure.how != "sum":
        return unequal
    return f"({unequal} AND NOT abs({stored} - {expected}) <= {RELATIVE} * {expected}__size)"


def _key(rollup: Rollup) -> str:
    return ", ".join(("bucket", *rollup.key))


def _contribution(rollup: Rollup, table: str, condition: str) -> str:
    """One raw table's rows, grouped; what it does not contribute is 0 or null."""
    columns = [f"time_bucket(INTERVAL '1 minute', time) AS bucket, {', '.join(rollup.key)}"]
    mine = rollup.contributions[table]
    for measure in rollup.measures:
        columns.append(f"{_computed(measure) if measure in mine else _nothing(measure)} AS {measure.column}")
        if measure.how == "sum":
            size = f"coalesce(sum(abs({measure.field})), 0)" if measure in mine else "0::float8"
            columns.append(f"{size} AS {measure.column}__size")
    where = f" WHERE {condition}" if condition else ""
    groups = ", ".join(str(place) for place in range(1, len(rollup.key) + 2))
    return f"SELECT {', '.join(columns)} FROM {IMPERSONAL.get(table, table)}{where} GROUP BY {groups}"  # noqa: S608


def _computed(measure: Measure) -> str:
    if measure.how == "rows":
        conditions = " AND ".join(f"{name} = {_literal(value)}" for name, value in measure.where)
        return f"count(*) FILTER (WHERE {conditions})" if conditions else "count(*)"
    if measure.how == "sum":
        return f"coalesce(sum({measure.field}), 0)"
    return f"{measure.how}({measure.field})"


def _nothing(measure: Measure) -> str:
    if measure.how in ("rows", "count"):
        return "0::bigint"
    return "0::float8" if measure.how == "sum" else "NULL::float8"


def _literal(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"


def _added(rollup: Rollup, bucket: str) -> str:
    """Key and measures of several parts, added up."""
    columns = [bucket, *rollup.key]
    for measure in rollup.measures:
        columns.append(f"{_adding(measure, measure.column)} AS {measure.column}")
        if measure.how == "sum":
            columns.append(f"sum({measure.column}__size) AS {measure.column}__size")
    return ", ".join(columns)


def _adding(measure: Measure, column: str) -> str:
    if measure.how in ("rows", "count"):
        return f"sum({column})::bigint"
    return f"{measure.how}({column})"
