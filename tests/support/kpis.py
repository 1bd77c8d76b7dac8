"""Rows of facts and raw tables for KPI tests, filled up with what a test does not care about."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from schemas.facts import DERIVED_TABLES, FACT_TABLES
from schemas.kpi import ExampleRow
from schemas.tables import RAW_BY_NAME, Column

SITE: Final = "VNHPH-TANVU"
DAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
_FACTS: Final = {table.name: table for table in (*FACT_TABLES, *DERIVED_TABLES)}
_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "port.crane_cycle": {"crane_id": "STS01", "outcome": "counted", "mode": "single"},
    "port.gate_visit": {
        "gate_in": "GATE01",
        "lane_in": "IN1",
        "gate_out": "GATE01",
        "lane_out": "OUT1",
        "outcome": "complete",
    },
    "port.cargo_visit": {"flow": "import", "outcome": "complete", "equipment_reference": "CSQU3054383"},
    "port.vessel_call": {"imo": "9074729", "outcome": "complete"},
    "kpi.radio_loss": {"asset_id": "STS01", "definition": "radio_moves_lost@1"},
    "port.crane_sample": {"crane_id": "STS01"},
    "port.cell_measurement": {"cell_id": "CELL01"},
}
_FILLED: Final[Mapping[str, Any]] = {"text": "x", "int": 0, "smallint": 0, "float": 0.0, "bool": False, "jsonb": {}}
_ASSETS: Final = ("crane_id", "gate_id", "gate_in", "gate_out", "cell_id", "device_id", "asset_id")
# As the worker marks what it has stored.
_KNOWN: Final = (
    "INSERT INTO ingest.site_clock VALUES (%s, %s) ON CONFLICT (site) DO UPDATE SET newest = EXCLUDED.newest"
)
_MARKS: Final = (
    "INSERT INTO kpi.stale_hour SELECT DISTINCT 'cell', time_bucket('1 hour', time - INTERVAL '1 us') FROM port.cell_measurement",
    "INSERT INTO kpi.stale_hour SELECT DISTINCT 'radio', time_bucket('1 hour', time) FROM port.radio_sample",
    """INSERT INTO kpi.stale_stream SELECT DISTINCT domain, bucket
       FROM kpi.stream_counts('1 hour', '-infinity', 'infinity')""",
)


def fact(table: str, **values: Any) -> ExampleRow:
    """One row, its times written as in the examples."""
    return ExampleRow(table=table, values=values)


def load(dsn: str, rows: Iterable[ExampleRow], until: datetime = DAY + timedelta(days=1)) -> None:
    """Store rows of 5 January 2026 at Tan Vu, and say that the site is known until then."""
    with psycopg.connect(dsn) as connection:
        for number, row in enumerate(rows):
            columns = _columns(row.table)
            names = ", ".join(column.name for column in columns)
            holders = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {row.table} ({names}) VALUES ({holders})"
            connection.cursor().executemany(statement.encode(), list(_stored(row, columns, number)))
        for statement in _MARKS:
            connection.execute(statement.encode())
        connection.execute(_KNOWN, (SITE, until))


def _columns(table: str) -> tuple[Column, ...]:
    return _FACTS[table].columns if table in _FACTS else RAW_BY_NAME[table].columns


def _stored(row: ExampleRow, columns: tuple[Column, ...], number: int) -> Iterator[tuple[Any, ...]]:
    for i in range(row.repeat):
        said = {**_DEFAULTS.get(row.table, {}), **row.values}
        said |= {column.name: _at(said[column.name], i * row.every_s) for column in columns if _is_time(column, said)}
        said |= {name: f"{SITE}-{said[name]}" for name in _ASSETS if said.get(name)}
        yield tuple(_value(column, said, f"{number}-{i}", i) for column in columns)


def _is_time(column: Column, said: Mapping[str, Any]) -> bool:
    return column.kind == "time" and isinstance(said.get(column.name), str)


def _at(text: str, later_s: float) -> datetime:
    hours, minutes, *seconds = map(float, text.split(":"))
    return DAY + timedelta(hours=hours, minutes=minutes, seconds=sum(seconds) + later_s)


def _value(column: Column, said: Mapping[str, Any], name: str, i: int) -> Any:
    if column.name == "sequence" and "sequence" in said:
        return said["sequence"] + i
    if column.name in said and column.name != "visit_id":
        value = said[column.name]
        return Jsonb(value) if column.kind == "jsonb" else value
    own = _own(column.name, said, name)
    if own is not None or not column.required:
        return own
    if column.kind == "time":
        return next((said[c] for c in ("started_at", "released_at", "berthed_at") if said.get(c)), DAY)
    return Jsonb({}) if column.kind == "jsonb" else _FILLED[column.kind]


def _own(column: str, said: Mapping[str, Any], name: str) -> str | None:
    """What must differ from row to row, or follows from the site."""
    if column in ("cycle_id", "visit_id", "cargo_visit_id", "event_id", "job_id", "call_id"):
        return f"{said['visit_id']}-{name}" if column == "visit_id" else f"{column}-{name}"
    return {
        "site": SITE,
        "crane_id": f"{SITE}-STS01",
        "source": "/vnhph/tanvu/gw-01",
        "bootid": "boot-1",
    }.get(column)
