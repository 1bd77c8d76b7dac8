"""Accepted events to columns: Arrow record batches in the order of a raw table's columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.identifiers import site_of
from schemas.tables import Kind, RawTable
from streams.core.envelope import Event
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
    """Accepted events of one type with their times (epoch µs), partitions and offsets, all of one length."""

    events: Sequence[Event]
    times_us: npt.NDArray[np.int64]
    partitions: npt.NDArray[np.int16]
    offsets: npt.NDArray[np.int64]

    def repeated(self, counts: Sequence[int]) -> "Accepted":
        """Each event as many times as it makes rows."""
        return Accepted(
            [event for event, n in zip(self.events, counts, strict=True) for _ in range(n)],
            np.repeat(self.times_us, counts),
            np.repeat(self.partitions, counts),
            np.repeat(self.offsets, counts),
        )


ToRows = Callable[[RawTable, Accepted], pa.RecordBatch]


def schema_of(table: RawTable) -> pa.Schema:
    """The Arrow schema of a raw table."""
    return pa.schema([pa.field(c.name, ARROW[c.kind], nullable=not c.required) for c in table.columns])


def flat_rows(table: RawTable, accepted: Accepted) -> pa.RecordBatch:
    """One row per event: the data fields are the columns."""
    data = zip(*map(msgspec.structs.astuple, map(attrgetter("data"), accepted.events)), strict=True)
    return record_batch(table, accepted, list(data))


def record_batch(table: RawTable, accepted: Accepted, data: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """The head columns of the events, then `data` column by column, then `extra`."""
    columns = [*_head(accepted), *data, _extra(accepted.events)]
    schema = schema_of(table)
    arrays = [c if isinstance(c, pa.Array) else pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def as_json(value: Any) -> str:
    """Compact JSON with sorted keys: equal values have equal texts."""
    return _TO_JSON.encode(value).decode()


def _head(accepted: Accepted) -> list[Any]:
    events = accepted.events
    subjects = [event.subject for event in events]
    sites = {subject: site_of(subject) for subject in set(subjects)}
    return [
        pa.array(accepted.times_us).cast(TIMESTAMP),
        subjects,
        [sites[subject] for subject in subjects],
        [event.source for event in events],
        [event.id for event in events],
        [event.bootid for event in events],
        [event.sequence for event in events],
        accepted.partitions,
        accepted.offsets,
    ]


def _extra(events: Sequence[Event]) -> list[str | None]:
    return [None if event.extra is None else as_json(event.extra) for event in events]
