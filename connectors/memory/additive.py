"""Adding rollup deltas up, row by row: what the upserts of the real store do in SQL."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from schemas.tables import ROLLUPS, Measure, Rollup

Key = tuple[Any, ...]
Row = dict[str, Any]


@cache
def rollup_of(table: str) -> Rollup:
    """The rollup of a minute or hour table."""
    (found,) = [rollup for rollup in ROLLUPS if table in (rollup.minute, rollup.hour)]
    return found


def key_of(table: str, row: Mapping[str, Any]) -> Key:
    """What a row of the table is known by: its bucket and key columns."""
    return (row["bucket"], *(row[name] for name in rollup_of(table).key))


def hour_of(row: Row) -> datetime:
    """The hour a minute row belongs to."""
    bucket: datetime = row["bucket"]
    return bucket.replace(minute=0)


def add_rows(table: str, kept: dict[Key, Row], deltas: Iterable[Row]) -> None:
    """Add `deltas` to the rows kept of the table."""
    for delta in deltas:
        key = key_of(table, delta)
        kept[key] = _sum(table, kept[key], delta) if key in kept else dict(delta)


def _sum(table: str, before: Row, delta: Row) -> Row:
    added = {m.column: _add(m, before[m.column], delta[m.column]) for m in rollup_of(table).measures}
    return {**before, **added}


def _add(measure: Measure, before: Any, delta: Any) -> Any:
    if measure.how not in ("min", "max"):
        return before + delta
    present = [value for value in (before, delta) if value is not None]
    if not present:
        return None
    return min(present) if measure.how == "min" else max(present)
