"""The 5G network: a measurement report becomes one row per value or bin, in declared unit and SI; the rest one row each.

Names are parted into base name and labels here, by schemas/counters.py, whether or not a gateway has decoded them.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas import tables
from schemas.counters import COUNTERS, part, unit_of
from schemas.events import cell
from schemas.tables import RawTable
from schemas.units import UNITS
from streams.core.columns import Accepted, as_json, record_batch
from streams.core.domain import Domain

_REMEMBERED: Final = 200_000
_OF_THE_REPORT: Final = ("object", "managed_element", "vendor", "interface", "granularity_s", "suspect")


class Series(NamedTuple):
    """What all values of one name, unit and set of labels have in common; `factors`: times, divided by."""

    name: str
    labels: str
    unit: str | None
    unit_si: str | None
    factors: tuple[float, float]


@lru_cache(_REMEMBERED)
def series_of(
    name: str, unit: str | None, of: tuple[str | None, str | None], own: tuple[tuple[str, Any], ...], position: int
) -> Series:
    """The series of a measured name, as its report (interface, vendor) has it; `position` of a bin, or -1.

    Labels of its own win over those in the name; a declared unit wins over the registry's.
    """
    parted = part(name)
    labels = {**parted.labels, **{label: str(value) for label, value in own}}
    if position >= 0:
        labels["bin"] = str(position)
    meant = unit if unit is not None or parted.counter is None else unit_of(parted.counter, *of)
    si = UNITS.get(meant) if meant is not None else None
    factors = (float(si.multiply), float(si.divide)) if si else (math.nan, 1.0)
    return Series(parted.name, as_json(labels), unit, si.unit if si else None, factors)


class Values:
    """The values of a batch of reports, each with the number of its series: a value costs a look-up, no text is made."""

    def __init__(self, reports: Sequence[Any]) -> None:
        self._codes: dict[Any, Any] = {}
        self._series: list[Series] = []
        self._of_values: list[int] = []
        self._values: list[float | None] = []
        self.counts = [self._take(report) for report in reports]

    def _take(self, report: Any) -> int:
        """Take in a report; how many values it had."""
        codes, values, known = self._of_values, self._values, self._codes
        before, of = len(codes), (report.interface, report.vendor)
        for item in report.measurements:
            own = tuple(item.labels.items()) if item.labels else ()
            if item.bins is None:
                key = (item.name, item.unit, of, own)
                code = known.get(key)
                codes.append(self._learn(key) if code is None else code)
                values.append(item.value)
            else:
                codes += self._codes_of_bins((item.name, item.unit, of, own, len(item.bins)))
                values += item.bins
        return len(codes) - before

    def columns(self) -> list[pa.Array]:
        """name, labels, value, unit, value_si, unit_si."""
        where = np.array(self._of_values, dtype=np.int64)
        names, labels, units, si_units, factors = zip(*self._series, strict=True)
        value = pa.array(self._values, pa.float64())
        value_si = _in_si(value, np.array(factors)[where])
        name, label, unit, unit_si = (
            pa.array(texts, pa.string()).take(pa.array(where)) for texts in (names, labels, units, si_units)
        )
        shown = pc.if_else(pc.is_valid(value_si), unit_si, pa.scalar(None, pa.string()))
        return [name, label, value, unit, value_si, shown]

    def _codes_of_bins(self, key: tuple[Any, ...]) -> list[int]:
        codes: list[int] | None = self._codes.get(key)
        if codes is None:
            *of, bins = key
            codes = self._codes[key] = [self._learn((*of, i)) for i in range(bins)]
        return codes

    def _learn(self, key: tuple[Any, ...]) -> int:
        name, unit, of, own, *position = key
        code = self._codes[key] = len(self._series)
        self._series.append(series_of(name, unit, of, own, position[0] if position else -1))
        return code


def _in_si(value: pa.Array, factors: npt.NDArray[np.float64]) -> pa.Array:
    """Values in SI; null without a value or a unit, or beyond a double."""
    numbers = value.to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore", invalid="ignore"):
        result = numbers * factors[:, 0] / factors[:, 1]
    return pa.array(result, pa.float64(), mask=~np.isfinite(result))


def measurement_rows(table: RawTable, accepted: Accepted) -> pa.RecordBatch:
    """Rows of reports: value, or one row per bin with label `bin` (its position, from 0)."""
    values = Values(accepted.data)
    where = pa.array(np.repeat(np.arange(len(values.counts)), values.counts))
    of_reports = [pa.array([getattr(report, name) for report in accepted.data]).take(where) for name in _OF_THE_REPORT]
    return record_batch(table, accepted.repeated(values.counts), [*of_reports, *values.columns()])


def unknown_counters(rows: Mapping[str, pa.RecordBatch]) -> Mapping[str, int]:
    """Rows of counters nobody knows (`name`), and values without SI form: no unit is known (`no_unit`), or not that one."""
    batch = rows.get(tables.CELL_MEASUREMENT.name)
    if batch is None:
        return {}
    names = batch["name"].dictionary_encode()
    strange = np.array([name not in COUNTERS for name in names.dictionary.to_pylist()], dtype=bool)
    lost = pc.and_(pc.is_valid(batch["value"]), pc.is_null(batch["value_si"]))
    undeclared = pc.is_null(batch["unit"])
    counts = {
        "name": int(np.count_nonzero(strange[names.indices.to_numpy()])),
        "no_unit": pc.sum(pc.and_(lost, undeclared)).as_py() or 0,
        "unknown_unit": pc.sum(pc.and_(lost, pc.invert(undeclared))).as_py() or 0,
    }
    return {why: count for why, count in counts.items() if count}


DOMAIN = Domain(
    "cell",
    "cell-events",
    cell.EVENTS,
    rollups=(tables.CELL, tables.RADIO),
    rows={cell.CellMeasurement.TYPE: measurement_rows},
    strange=unknown_counters,
)
