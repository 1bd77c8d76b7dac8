"""The 5G network: a measurement report becomes one row per value or bin, in declared unit and SI; the rest one row each."""

from typing import Any

import pyarrow as pa

from schemas import tables
from schemas.events import cell
from schemas.tables import RawTable
from schemas.units import to_si
from streams.core.columns import Accepted, as_json, record_batch
from streams.core.domain import Domain


def measurement_rows(table: RawTable, accepted: Accepted) -> pa.RecordBatch:
    """Rows of reports: value, or one row per bin with label `bin` (its position, from 0)."""
    values = [list(_values(report)) for report in accepted.data]
    rows = [row for event_rows in values for row in event_rows]
    return record_batch(table, accepted.repeated([len(v) for v in values]), list(zip(*rows, strict=True)))


def _values(report: Any) -> Any:
    for item in report.measurements:
        labels = {name: str(value) for name, value in (item.labels or {}).items()}
        if item.bins is None:
            yield _row(report, item, labels, item.value)
        else:
            for position, value in enumerate(item.bins):
                yield _row(report, item, {**labels, "bin": str(position)}, value)


def _row(report: Any, item: Any, labels: dict[str, str], value: float | None) -> tuple[Any, ...]:
    value_si, unit_si = (None, None) if value is None else to_si(value, item.unit)
    return (
        report.object,
        report.managed_element,
        report.vendor,
        report.granularity_s,
        report.suspect,
        item.name,
        as_json(labels),
        value,
        item.unit,
        value_si,
        unit_si,
    )


DOMAIN = Domain(
    "cell",
    "cell-events",
    cell.EVENTS,
    rollups=(tables.CELL, tables.RADIO),
    rows={cell.CellMeasurement.TYPE: measurement_rows},
)
