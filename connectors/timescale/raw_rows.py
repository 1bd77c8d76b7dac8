"""Raw rows of one key, as folds want them: dictionaries for what is told in steps, columns for a crane's samples.

Reads nothing personal: the worker's role could not.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from connectors.timescale.extract import personal_columns
from connectors.timescale.pool import Connection
from schemas.tables import RAW_BY_NAME
from streams.facts.crane_samples import COLUMNS, FLAGS, MODE, MODES, NUMBERS, Samples
from streams.facts.fact import Row, Rows

# Its texts are personal where they are plates; the view has the others.
IMPERSONAL: Final = {"port.ocr_read": "port.ocr_read_impersonal"}
_UNUSED: Final = frozenset({"bootid", "sequence", "partition", "record_offset", "extra"})
_YEAR_2000_US: Final = 946_684_800_000_000
# The planner knows little of young chunks, and one sequential scan of a day costs more than all look-ups.
# A plan made while a table was empty and kept for the session would be as bad.
LOOK_UP: Final = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; "
    "SET LOCAL plan_cache_mode = force_custom_plan"
)


class Wanted(NamedTuple):
    """The rows of `value` at `site` from `since` on."""

    site: str
    value: str
    since: datetime


async def read_rows(
    connection: Connection, tables: Iterable[str], column: str, wanted: Sequence[Wanted]
) -> dict[tuple[str, str], dict[str, list[Row]]]:
    """Rows by (site, value) and table, ordered by (time, event_id)."""
    found: dict[tuple[str, str], dict[str, list[Row]]] = {(w.site, w.value): {} for w in wanted}
    columns = [list(values) for values in zip(*wanted, strict=True)]
    for table in tables:
        for record in await connection.fetch(_by_key(table, column), *columns, min(w.since for w in wanted)):
            rows = found[record["site"], record[column]].setdefault(table, [])
            rows.append(dict(record))
    return found


async def read_crane_rows(
    connection: Connection, tables: Iterable[str], crane: str, after: datetime, until: datetime
) -> Rows:
    """What came of a crane beside its samples: `after` < time <= `until`, ordered by (time, event_id)."""
    return {
        table: [dict(record) for record in await connection.fetch(_of_crane(table), crane, after, until)]
        for table in tables
    }


async def read_samples(connection: Connection, crane: str, after: datetime, limit: int) -> Samples:
    """A crane's first `limit` samples later than `after`, ordered by (time, event_id).

    One string of bytes per column, as numpy reads them: 1.5 µs per sample, rows would take 3.5 µs and their reading more.
    """
    record = await connection.fetchrow(_SAMPLES, crane, after, limit)
    if record is None or record["time_us"] is None:
        return Samples(np.zeros(0, np.int64), {}, {})
    times = np.frombuffer(record["time_us"], ">i8").astype(np.int64) + _YEAR_2000_US
    codes = {name: np.frombuffer(record[name], np.int8) for name in (*FLAGS, MODE)}
    numbers = {name: np.frombuffer(record[name], ">f8").astype(np.float64) for name in NUMBERS}
    return Samples(times, codes, numbers)


@cache
def _by_key(table: str, column: str) -> str:
    names = ", ".join(f"r.{name}" for name in _readable(table))
    return (
        f"SELECT {names} FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS k(site, value, since) "  # noqa: S608
        f"JOIN {IMPERSONAL.get(table, table)} AS r ON r.site = k.site AND r.{column} = k.value AND r.time >= k.since "
        "WHERE r.time >= $4 ORDER BY r.time, r.event_id"
    )


@cache
def _of_crane(table: str) -> str:
    names = ", ".join(_readable(table))
    return f"SELECT {names} FROM {table} WHERE crane_id = $1 AND time > $2 AND time <= $3 ORDER BY time, event_id"  # noqa: S608


def _bytes(name: str) -> str:
    """One column of samples as bytes: numbers as they travel, with NaN for null; flags and modes as codes, -1 for null."""
    if name == "time":
        value = "timestamptz_send(time)"
    elif name in NUMBERS:
        value = f"float8send(coalesce({name}, 'NaN'::double precision))"
    elif name in FLAGS:
        value = _code(name, ("false", "true"))
    else:
        value = _code(name, [f"'{mode}'" for mode in MODES])
    return f"string_agg({value}, ''::bytea) AS {'time_us' if name == 'time' else name}"


def _code(name: str, values: Sequence[str]) -> str:
    cases = " ".join(f"WHEN {value} THEN '\\x{code:02x}'::bytea" for code, value in enumerate(values))
    return f"CASE {name} {cases} ELSE '\\xff'::bytea END"


_SAMPLES = (
    f"SELECT {', '.join(map(_bytes, COLUMNS))} FROM (SELECT {', '.join(COLUMNS)} FROM port.crane_sample "  # noqa: S608
    "WHERE crane_id = $1 AND time > $2 ORDER BY time, event_id LIMIT $3) AS s"
)


def _readable(table: str) -> list[str]:
    hidden = _UNUSED if table in IMPERSONAL else _UNUSED | personal_columns(table)
    return [name for name in RAW_BY_NAME[table].column_names if name not in hidden]
