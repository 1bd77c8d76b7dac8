"""Raw rows as the ingest transaction stores them, with their marks, and without a broker."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import pyarrow as pa

from connectors.timescale import refold_marks
from connectors.timescale.copy import chunks, encode
from schemas.identifiers import site_of
from schemas.tables import RAW_BY_NAME
from streams.core.columns import schema_of
from streams.facts.marks import Tails, clocks_of, marks_of

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
GATE = "VNHPH-TANVU-GATE1"
CRANE = "VNHPH-TANVU-STS01"
CARGO = "VNHPH-TANVU-CSQU3054383"
VESSEL = "VNHPH-TANVU-CALL1"
Row = dict[str, Any]
_offsets = count(1)


def at(seconds: float) -> datetime:
    """A moment of the test's day."""
    return START + timedelta(seconds=seconds)


def row(table: str, asset: str, time: datetime, **values: Any) -> Row:
    """One raw row; the event id comes from what it says, so that the same thing told twice is the same row."""
    said = "/".join(str(value) for value in (time.isoformat(), *values.values()))
    head = {"time": time, RAW_BY_NAME[table].asset: asset, "site": site_of(asset), "source": "/gw", "event_id": said}
    return {"table": table, **head, "partition": 0, "record_offset": next(_offsets), **values}


def gate_step(seconds: float, step: str, visit: str = "V1", **values: Any) -> Row:
    """A step of a visit, inward and by the system unless said otherwise."""
    named = {"visit_id": visit, "lane": "L1", "direction": "in", "step": step, "actor": "system", "manual": False}
    return row("port.gate_step", GATE, at(seconds), **{**named, **values})


def visit(name: str = "V1", start_s: float = 0.0) -> list[Row]:
    """A whole visit of five minutes, in order."""
    inward = [("queue_entered", 0), ("lane_entered", 30), ("document_checked", 60), ("barrier_opened", 90)]
    steps = [gate_step(start_s + offset, step, name) for step, offset in [*inward, ("gate_left", 100)]]
    return [
        *steps,
        *(gate_step(start_s + o, s, name, direction="out") for s, o in (("lane_entered", 290), ("gate_left", 300))),
    ]


def milestone(seconds: float, what: str, container: str = "CSQU3054383", **values: Any) -> Row:
    """A milestone of a box."""
    said = {"equipment_reference": container, "milestone": what, **values}
    return row("port.cargo_milestone", f"VNHPH-TANVU-{container}", at(seconds), **said)


def batches(rows: Iterable[Row]) -> dict[str, pa.RecordBatch]:
    """Rows by raw table, as the pipeline makes them."""
    by_table: dict[str, list[Row]] = {}
    for one in rows:
        by_table.setdefault(one["table"], []).append(one)
    return {
        name: pa.RecordBatch.from_pylist(several, schema=schema_of(RAW_BY_NAME[name]))
        for name, several in by_table.items()
    }


async def arrive(connection: asyncpg.Connection, rows: Sequence[Row], tails: Tails | None = None) -> Tails:
    """Store rows and their marks in one transaction; the tails they leave."""
    made = batches(rows)
    marked = marks_of(made, tails or {})
    async with connection.transaction():
        for name, batch in made.items():
            await _copy(connection, name, batch)
        await refold_marks.add(connection, (*marked.marks, *clocks_of(made)))
    return {**(tails or {}), **marked.tails}


async def _copy(connection: asyncpg.Connection, name: str, batch: pa.RecordBatch) -> None:
    schema, _, table = name.partition(".")
    stream = encode(RAW_BY_NAME[name], batch)
    source = chunks(stream.payload)
    await connection.copy_to_table(table, schema_name=schema, columns=stream.columns, source=source, format="binary")


def stated(fact: Mapping[str, Any]) -> dict[str, Any]:
    """What a fact states: not when or how often it was written, nor what it carries on."""
    return {name: value for name, value in fact.items() if name not in ("revision", "recorded_at", "state")}
