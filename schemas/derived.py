"""The class of every column of every table that derives from events: raw rows, rollups, facts.

A raw column has its field's class. A rollup's measure has that of what it adds up. A fact's columns are named here, and a
test holds that none is classed below the event field of the same name.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from schemas.classification import (
    BOX,
    CALL,
    CLEARANCE,
    MACHINE,
    RADIO,
    TOPOLOGY,
    Classified,
    classed,
    classified,
    strictest,
)
from schemas.errors import ConfigurationError
from schemas.events import MODELS
from schemas.events.cell import Measurement
from schemas.events.model import EventPart
from schemas.facts import DERIVED_TABLES, FACT_TABLES
from schemas.tables import RAW_TABLES, ROLLUPS, Measure, RawTable, Rollup

Columns = Mapping[str, Classified]


def _of(annotation: Any) -> Classified:
    found = classified(annotation)
    assert found is not None  # noqa: S101  (made by `classed`)
    return found


_PLACE: Final = _of(CALL)
_LEDGER: Final = _of(classed("commercial", "operations"))
# What nobody declared may be anything.
_UNKNOWN: Final = _of(classed("personal", "operations"))
_HEAD: Final[Columns] = {
    "time": _PLACE,
    "site": _PLACE,
    **dict.fromkeys(("source", "event_id", "bootid", "sequence", "partition", "record_offset"), _LEDGER),
    "extra": _UNKNOWN,
}
# The asset is the whole subject: of cargo the container, of a call what its name is.
_ASSETS: Final[Columns] = {
    "crane_id": _of(MACHINE),
    "gate_id": _of(BOX),
    "cell_id": _of(TOPOLOGY),
    "device_id": _of(RADIO),
    "cargo_id": _of(BOX),
    "vessel_id": _of(CALL),
    "asset_id": _of(MACHINE),
}
_KEPT: Final[Columns] = {"revision": _LEDGER, "recorded_at": _LEDGER}
_FACTS: Final[Mapping[str, Mapping[str, Classified]]] = {
    "port.crane_cycle": {
        "site locked_at started_at ended_at call_id": _of(CALL),
        "boxes teu move_kind load_t_max": _of(BOX),
        "cycle_id crane_id mode laden_s unladen_s wait_s hoist_s trolley_s lower_s energy_kwh job_id outcome state": _of(
            MACHINE
        ),
    },
    "port.gate_visit": {
        "site first_at last_at": _of(CALL),
        "visit_id gate_in gate_out lane_in lane_out queued_at entered_at left_at transaction_s transaction_out_s "
        "inside_s turn_time_s total_turn_time_s ocr_first_pass ocr_reads ocr_corrected container_reads "
        "check_digit_failures equipment_reference corrected_by appointment_ok outcome": _of(BOX),
        "touch_points manual_touch_points wait_s_by_actor exceptions exception_reasons holds": _of(CLEARANCE),
    },
    "port.cargo_visit": {
        "site call_id": _of(CALL),
        "cargo_visit_id equipment_reference cargo_class flow discharged_at stacked_at gated_in_at gated_out_at loaded_at "
        "dwell_s first_at last_at outcome": _of(BOX),
        "cleared_at released_at wait_s_by_agency agency_wait_s": _of(CLEARANCE),
    },
    "port.vessel_call": {
        "call_id imo site berth pilot_station_at anchored_at first_line_at berthed_at cargo_started_at "
        "cargo_completed_at last_line_at departed_at sailed_at wait_s berth_s cargo_s turnaround_s port_s expected "
        "first_at last_at outcome": _of(CALL)
    },
    "port.cell_alarm": {
        "cell_alarm_id alarm_key cell_id origin source condition interface specific_problem probable_cause raised_at "
        "last_raised_at cleared_at severity last_severity duration_s active_s changes flaps first_at last_at outcome": _of(
            TOPOLOGY
        ),
        "site": _of(CALL),
    },
    "kpi.radio_loss": {
        "cycle_id asset_id site day started_at ended_at worked_s known_s exposed_s baseline_s spread_s matches matched_by "
        "how lost_s moves_lost definition outcome": _of(MACHINE),
        "cells": _of(TOPOLOGY),
    },
    "kpi.radio_attribution": {
        "day_id asset_id site day cycles exposed attributed unmatched unknown bad_s lost_s moves_lost moves_low "
        "moves_high definition completeness outcome state": _of(MACHINE),
        "cells": _of(TOPOLOGY),
    },
}


@cache
def classified_tables() -> Mapping[str, Columns]:
    """The class of each column by table. Raises ConfigurationError that names what has none."""
    missing = list(unclassified())
    if missing:
        raise ConfigurationError(f"without a class (schemas/classification.py): {', '.join(missing)}")
    return MappingProxyType({name: MappingProxyType(_plain(columns)) for name, columns in _tables()})


def column_class(table: str, column: str) -> Classified | None:
    """The class of a column; None where table or column is not known, which is never a permission."""
    return classified_tables().get(table, {}).get(column)


def unclassified() -> Iterator[str]:
    """Fields of events, and columns of tables, that have no class."""
    models: tuple[type[EventPart], ...] = (*MODELS.values(), Measurement)
    for model in models:
        yield from unclassified_fields(model)
    for table, columns in _tables():
        yield from (f"{table}.{name}" for name, found in columns.items() if found is None)


def unclassified_fields(model: type[EventPart]) -> Iterator[str]:
    """Fields of one model that have no class, or serve no purpose."""
    for name, field in model.model_fields.items():
        found = classified(field)
        if found is None or not found.purposes:
            yield f"{model.__name__}.{name}"


def _plain(columns: Mapping[str, Classified | None]) -> dict[str, Classified]:
    return {name: found for name, found in columns.items() if found is not None}


def _tables() -> Iterator[tuple[str, dict[str, Classified | None]]]:
    for raw in RAW_TABLES:
        yield raw.name, _raw(raw)
    for rollup in ROLLUPS:
        yield rollup.minute, _rollup(rollup)
        yield rollup.hour, _rollup(rollup)
    for fact in (*FACT_TABLES, *DERIVED_TABLES):
        said = {name: one for names, one in _FACTS.get(fact.name, {}).items() for name in names.split()}
        yield fact.name, {**{name: said.get(name) for name in fact.column_names}, **_KEPT}


def _raw(table: RawTable) -> dict[str, Classified | None]:
    fields = _fields(table.model) | (_fields(Measurement) if table.name == "port.cell_measurement" else {})
    si = {"value_si": fields.get("value"), "unit_si": fields.get("unit")}
    known = {**_HEAD, **_ASSETS, **si, **fields}
    return {name: known.get(name) for name in table.column_names}


def _fields(model: type[BaseModel]) -> dict[str, Classified | None]:
    return {name: classified(field) for name, field in model.model_fields.items()}


def _rollup(rollup: Rollup) -> dict[str, Classified | None]:
    sources = {table.name: _raw(table) for table in RAW_TABLES if table.name in rollup.contributions}
    keys: dict[str, Classified | None] = {"bucket": _PLACE}
    for name in rollup.key:
        keys[name] = next((columns[name] for columns in sources.values() if columns.get(name)), None)
    return keys | {
        measure.column: _measure(measure, sources[table])
        for table, measures in rollup.contributions.items()
        for measure in measures
    }


def _measure(measure: Measure, columns: Mapping[str, Classified | None]) -> Classified | None:
    """A number of rows tells what its conditions tell; how many there were is commercial."""
    names = [*([measure.field] if measure.field else []), *(name for name, _ in measure.where)]
    found = [columns.get(name) for name in names] or [_LEDGER]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    counted = strictest(known)
    # That some value of a plate was corrected says nothing of the plate.
    return _LEDGER if measure.how == "count" and counted.name == "personal" else counted
