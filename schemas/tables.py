"""The tables of schema `port`, as data: which event type lands where, and what each rollup adds up.

Raw columns are derived from the event models; rollup measures are declared here once. The worker's
column building, the COPY lists, the rollup upserts, `verify` and the migration test all read this.
"""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from schemas.events import MODELS, cargo, cell, crane, gate, vessel
from schemas.events.fields import is_moment
from schemas.events.model import EventData

Kind = Literal["time", "text", "float", "int", "smallint", "bool", "jsonb"]
How = Literal["rows", "sum", "min", "max", "count"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its kind; `required` = never null."""

    name: str
    kind: Kind
    required: bool = False


@dataclass(frozen=True, slots=True)
class RawTable:
    """A raw hypertable on `time`: the head every raw table has, then typed columns, then `extra`."""

    name: str
    asset: str
    model: type[EventData]
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Measure:
    """One additive column: `how` over `field`, counting only rows where every (field, value) of `where` holds.

    `rows` counts rows, `count` counts non-null values of `field`; `sum` of nothing is 0, `min`/`max` of nothing null.
    """

    column: str
    how: How
    field: str | None = None
    where: tuple[tuple[str, str | bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Rollup:
    """A minute table and its hour table: key columns beside `bucket`, and what each raw table contributes.

    `may_wait`: its rows are reports of periods that are over, so minutes that are many may be added up a moment later.
    """

    minute: str
    hour: str
    key: tuple[str, ...]
    contributions: dict[str, tuple[Measure, ...]]
    may_wait: bool = False

    @property
    def measures(self) -> tuple[Measure, ...]:
        return tuple(measure for measures in self.contributions.values() for measure in measures)


def head(asset: str) -> tuple[Column, ...]:
    """The columns every raw table starts with; `asset` holds the whole subject."""
    return (
        Column("time", "time", required=True),
        Column(asset, "text", required=True),
        Column("site", "text", required=True),
        Column("source", "text", required=True),
        Column("event_id", "text", required=True),
        Column("bootid", "text"),
        Column("sequence", "int"),
        Column("partition", "smallint", required=True),
        Column("record_offset", "int", required=True),
    )


EXTRA = Column("extra", "jsonb")


def _leaf(annotation: Any) -> tuple[Any, bool]:
    """The bare type behind Annotated and Optional, and whether None is allowed."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _leaf(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        inner = [a for a in get_args(annotation) if a is not type(None)]
        return _leaf(inner[0])[0], len(inner) < len(get_args(annotation))
    if origin is Literal:
        return type(get_args(annotation)[0]), False
    return annotation, False


_KINDS: dict[Any, Kind] = {float: "float", int: "int", bool: "bool", str: "text"}


def data_columns(model: type[EventData]) -> Iterator[Column]:
    """One column per data field of a flat event model."""
    for name, field in model.model_fields.items():
        leaf, _ = _leaf(field.annotation)
        kind: Kind = "time" if is_moment(field) else _KINDS[leaf]
        yield Column(name, kind, required=field.is_required())


def _flat(name: str, asset: str, model: type[EventData]) -> RawTable:
    return RawTable(name, asset, model, (*head(asset), *data_columns(model), EXTRA))


CELL_MEASUREMENT = RawTable(
    "port.cell_measurement",
    "cell_id",
    cell.CellMeasurement,
    (
        *head("cell_id"),
        Column("object", "text", required=True),
        Column("managed_element", "text"),
        Column("vendor", "text"),
        Column("interface", "text"),
        Column("granularity_s", "int", required=True),
        Column("suspect", "bool"),
        Column("name", "text", required=True),
        Column("labels", "jsonb", required=True),
        Column("value", "float"),
        Column("unit", "text"),
        Column("value_si", "float"),
        Column("unit_si", "text"),
        EXTRA,
    ),
)

RAW_TABLES: tuple[RawTable, ...] = (
    _flat("port.crane_sample", "crane_id", crane.CraneSample),
    _flat("port.crane_status", "crane_id", crane.CraneStatus),
    _flat("port.crane_fault", "crane_id", crane.CraneFault),
    _flat("port.crane_job", "crane_id", crane.CraneJob),
    _flat("port.crane_assignment", "crane_id", crane.CraneAssignment),
    _flat("port.gate_step", "gate_id", gate.GateStep),
    _flat("port.ocr_read", "gate_id", gate.GateOcr),
    CELL_MEASUREMENT,
    _flat("port.radio_sample", "device_id", cell.RadioSample),
    _flat("port.cell_alarm_event", "cell_id", cell.CellAlarm),
    _flat("port.cell_heartbeat", "cell_id", cell.CellHeartbeat),
    _flat("port.device_trip", "device_id", cell.DeviceTrip),
    _flat("port.cargo_milestone", "cargo_id", cargo.CargoMilestone),
    _flat("port.vessel_milestone", "vessel_id", vessel.VesselMilestone),
)
RAW_BY_NAME = {table.name: table for table in RAW_TABLES}
RAW_BY_TYPE = {table.model.TYPE: table for table in RAW_TABLES}
assert RAW_BY_TYPE.keys() == MODELS.keys()  # noqa: S101  (an event type without a table cannot be imported)


def _spread(field: str, *hows: How) -> tuple[Measure, ...]:
    return tuple(Measure(f"{field}_{how}", how, field) for how in hows)


CRANE = Rollup(
    "port.crane_minute",
    "port.crane_hour",
    ("crane_id", "site"),
    {
        "port.crane_sample": (
            Measure("samples", "rows"),
            *_spread("load_t", "max", "sum", "count"),
            *_spread("wind_mps", "max"),
            *_spread("power_kw", "sum", "count"),
            *_spread("hoist_speed_mps", "max"),
            *_spread("trolley_speed_mps", "max"),
            *_spread("energy_total_kwh", "min", "max"),
            *_spread("moves_total", "min", "max"),
        )
    },
)
GATE = Rollup(
    "port.gate_minute",
    "port.gate_hour",
    ("gate_id", "site", "lane"),
    {
        "port.gate_step": (
            Measure("steps", "rows"),
            Measure("manual_steps", "rows", where=(("manual", True),)),
            Measure("visits_in", "rows", where=(("step", "gate_left"), ("direction", "in"))),
            Measure("visits_out", "rows", where=(("step", "gate_left"), ("direction", "out"))),
            Measure("exceptions", "rows", where=(("step", "exception"),)),
        ),
        "port.ocr_read": (
            Measure("ocr_reads", "rows"),
            Measure("ocr_corrected", "count", "corrected_value"),
        ),
    },
)
CELL = Rollup(
    "port.cell_minute",
    "port.cell_hour",
    ("cell_id", "site", "object", "name", "labels"),
    {
        "port.cell_measurement": (
            Measure("samples", "rows"),
            *_spread("value_si", "sum", "count", "min", "max"),
            Measure("suspect", "rows", where=(("suspect", True),)),
        )
    },
    may_wait=True,
)
RADIO = Rollup(
    "port.radio_minute",
    "port.radio_hour",
    ("device_id", "site"),
    {
        "port.radio_sample": (
            Measure("samples", "rows"),
            *_spread("rsrp_dbm", "min", "max", "sum", "count"),
            *_spread("sinr_db", "min", "max", "sum", "count"),
            *_spread("rtt_ms", "min", "max", "sum", "count"),
            *_spread("loss_ratio", "max"),
            *_spread("uplink_mbps", "min", "sum", "count"),
            Measure("handovers", "rows", where=(("handover", True),)),
        )
    },
)
ROLLUPS: tuple[Rollup, ...] = (CRANE, GATE, CELL, RADIO)
