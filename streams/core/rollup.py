"""Minute deltas of a batch. Everything is additive, so late events land in their own minute; hours follow from minutes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from schemas.tables import Measure, Rollup
from streams.core.times import TIMESTAMP

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
_ADDED: Final = ("rows", "sum", "count")


def minute_deltas(rollup: Rollup, rows: Mapping[str, pa.RecordBatch]) -> pa.Table | None:
    """What `rows` (raw table → rows) add to the minute table, one row per key and bucket, sorted; None when nothing."""
    parts = [
        _contribution(rollup, measures, rows[table])
        for table, measures in rollup.contributions.items()
        if table in rows and rows[table].num_rows
    ]
    if not parts:
        return None
    return _sorted(rollup, parts[0]) if len(parts) == 1 else merged(rollup, parts)


def merged(rollup: Rollup, parts: Iterable[pa.Table]) -> pa.Table:
    """Deltas of several batches as `minute_deltas` gave them, added up: one row per key and bucket, sorted."""
    return _sorted(rollup, _merged(rollup, pa.concat_tables(parts)))


def _contribution(rollup: Rollup, measures: Iterable[Measure], rows: pa.RecordBatch) -> pa.Table:
    columns = {"bucket": floored(rows["time"], MINUTE_US), **{name: rows[name] for name in rollup.key}}
    wanted = {measure.column: measure for measure in measures}
    for measure in wanted.values():
        columns[measure.column] = _values(measure, rows)
    grouped = _grouped(rollup, pa.table(columns), wanted)
    return _completed(rollup, grouped)


def _values(measure: Measure, rows: pa.RecordBatch) -> pa.Array:
    """What one measure sees in each row, before grouping."""
    if measure.how in ("min", "max", "sum"):
        return rows[measure.field]
    if measure.how == "count":
        return pc.cast(pc.is_valid(rows[measure.field]), pa.int64())
    mask = pa.array([True] * rows.num_rows) if not measure.where else None
    for name, value in measure.where:
        equal = pc.fill_null(pc.equal(rows[name], pa.scalar(value)), fill_value=False)
        mask = equal if mask is None else pc.and_(mask, equal)
    return pc.cast(mask, pa.int64())


def _grouped(rollup: Rollup, table: pa.Table, measures: Mapping[str, Measure]) -> pa.Table:
    functions = [(name, "sum" if m.how in _ADDED else m.how) for name, m in measures.items()]
    grouped = (
        _with(table, rollup.key, _numbered).group_by(["bucket", *rollup.key], use_threads=False).aggregate(functions)
    )
    return _with(grouped, rollup.key, _as_text).rename_columns(["bucket", *rollup.key, *measures])


def _with(table: pa.Table, names: Iterable[str], change: Callable[[pa.ChunkedArray], pa.Array]) -> pa.Table:
    for name in names:
        table = table.set_column(table.column_names.index(name), name, change(table[name]))
    return table


def _numbered(texts: pa.ChunkedArray) -> pa.Array:
    """Grouping by numbers of texts takes a third of the time of grouping by the texts."""
    return texts.combine_chunks().dictionary_encode()


def _as_text(numbered: pa.ChunkedArray) -> pa.Array:
    return numbered.cast(pa.string())


def _completed(rollup: Rollup, table: pa.Table) -> pa.Table:
    """All columns of the rollup: what did not contribute adds 0, or nothing to a minimum or maximum."""
    columns = {name: table[name] for name in ("bucket", *rollup.key)}
    for measure in rollup.measures:
        if measure.column in table.column_names:
            values = table[measure.column]
            columns[measure.column] = pc.fill_null(values, _zero(measure)) if measure.how in _ADDED else values
        else:
            empty = _zero(measure) if measure.how in _ADDED else pa.scalar(None, pa.float64())
            columns[measure.column] = pa.repeat(empty, table.num_rows)
    return pa.table(columns)


def _zero(measure: Measure) -> pa.Scalar:
    return pa.scalar(0.0 if measure.how == "sum" else 0)


def _merged(rollup: Rollup, table: pa.Table) -> pa.Table:
    return _grouped(rollup, table, {measure.column: measure for measure in rollup.measures})


def _sorted(rollup: Rollup, table: pa.Table) -> pa.Table:
    # Sorted keys: two workers that touch the same rows take their locks in the same order.
    return table.sort_by([(name, "ascending") for name in (*rollup.key, "bucket")])


def floored(times: pa.Array, step_us: int) -> pa.Array:
    """Times rounded down to a multiple of `step_us` since the epoch."""
    numbers = pc.cast(times, pa.int64())
    # Integer division rounds towards zero, but no accepted event is older than the year 2000.
    return pc.cast(pc.multiply(pc.divide(numbers, step_us), step_us), TIMESTAMP)
