"""Accepted events to columns: Arrow record batches in the order of a raw table's columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from schemas.moments import microseconds_of
from schemas.tables import Kind, RawTable
from streams.core.times import TIMESTAMP

ARROW: Final[dict[Kind, pa.DataType]] = {
    "time": TIMESTAMP,
    "text": pa.string(),
    "float": pa.float64(),
    "int": pa.int64(),
    "smallint": pa.int16(),
    "bool": pa.bool_(),
    "jsonb": pa.string(),
}
_TO_JSON = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Accepted events of one type: their data, head columns in the order of a raw table's, and `extra` as JSON texts."""

    data: Sequence[Any]
    head: tuple[pa.Array, ...]
    extra: pa.Array

    def repeated(self, counts: Sequence[int]) -> "Accepted":
        """Each event as many times as it makes rows."""
        where = pa.array(np.repeat(np.arange(len(self.data)), counts))
        return Accepted(
            [data for data, n in zip(self.data, counts, strict=True) for _ in range(n)],
            tuple(column.take(where) for column in self.head),
            self.extra.take(where),
        )


ToRows = Callable[[RawTable, Accepted], pa.RecordBatch]


@cache
def schema_of(table: RawTable) -> pa.Schema:
    """The Arrow schema of a raw table."""
    return pa.schema([pa.field(c.name, ARROW[c.kind], nullable=not c.required) for c in table.columns])


def flat_rows(table: RawTable, accepted: Accepted) -> pa.RecordBatch:
    """One row per event: the data fields are the columns."""
    data = zip(*map(msgspec.structs.astuple, accepted.data), strict=True)
    return record_batch(table, accepted, list(data))


def record_batch(table: RawTable, accepted: Accepted, data: Sequence[Sequence[Any] | pa.Array]) -> pa.RecordBatch:
    """The head columns of the events, then `data` column by column, then `extra`."""
    schema = schema_of(table)
    start, end = len(accepted.head), len(schema) - 1
    values = [_array(column, schema.field(start + i).type) for i, column in enumerate(data)]
    if len(values) != end - start:
        raise ValueError(f"{len(values)} data columns for {table.name}, which has {end - start}")
    return pa.RecordBatch.from_arrays([*accepted.head, *values, accepted.extra], schema=schema)


def _array(values: Sequence[Any] | pa.Array, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values.cast(kind)
    # Most fields of most events are absent.
    if kind == TIMESTAMP:
        return pa.array([None if text is None else microseconds_of(text) for text in values], pa.int64()).cast(kind)
    return pa.nulls(len(values), kind) if values.count(None) == len(values) else pa.array(values, kind)


def as_json(value: Any) -> str:
    """Compact JSON with sorted keys: equal values have equal texts."""
    return _TO_JSON.encode(value).decode()
