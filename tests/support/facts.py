"""Raw rows for folds, written short, and facts shown as plain JSON."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from schemas.facts import FACT_BY_KIND
from schemas.tables import RAW_BY_NAME
from streams.facts.fact import Fact

Written = Mapping[str, Iterable[Mapping[str, Any]]]

_KEYED_BY = {
    "port.gate_step": "visit_id",
    "port.ocr_read": "visit_id",
    "port.cargo_milestone": "equipment_reference",
    "port.vessel_milestone": "call_id",
    "port.cell_alarm_event": "cell_id",
    "port.cell_heartbeat": "cell_id",
}


def time_of(text: str) -> datetime:
    """A moment with an offset, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def rows_of(key: str, written: Written) -> dict[str, list[dict[str, Any]]]:
    """Rows by table with all their columns: what a case does not write is null, or follows from the key."""
    numbers = count(1)
    return {table: [_row(table, key, next(numbers), row) for row in rows] for table, rows in written.items()}


def _row(table: str, key: str, number: int, written: Mapping[str, Any]) -> dict[str, Any]:
    site, _, name = key.partition("/")
    raw = RAW_BY_NAME[table]
    assert set(written) <= set(raw.column_names), written
    row: dict[str, Any] = dict.fromkeys(raw.column_names)
    row |= {"site": site, "source": "/test/gw", "event_id": f"{number:06d}", raw.asset: f"{site}-X1"}
    row[_KEYED_BY[table]] = name
    row |= written
    times = {column.name for column in raw.columns if column.kind == "time"}
    return row | {name: time_of(row[name]) for name in times & row.keys() if isinstance(row[name], str)}


def shown(fact: Fact) -> dict[str, Any]:
    """A fact's values as JSON; fails unless they are exactly the columns of its table, with nothing missing."""
    table = FACT_BY_KIND[fact.kind]
    assert set(fact.values) == set(table.column_names)
    assert fact.key == fact.values[table.key]
    missing = [column.name for column in table.columns if column.required and fact.values[column.name] is None]
    assert not missing, missing
    return {name: _plain(fact.values[name]) for name in table.column_names}


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
