"""Rows to PostgreSQL's binary COPY format, by pgpq: about 0.2 µs per row against 2.5 µs for row tuples."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache

import pgpq
import pyarrow as pa
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb

from schemas.tables import RAW_BY_NAME, RawTable

CHUNK_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows of the `columns` that hold anything, as one binary COPY stream; the rest of the table stays null."""

    columns: tuple[str, ...]
    payload: bytes


def encode(table: RawTable, rows: pa.RecordBatch) -> Stream:
    """`rows` (columns in the table's order). Most fields are absent from most batches: those columns are left out."""
    kept = [i for i, column in enumerate(rows.columns) if column.null_count < len(column)]
    filled = rows.select(kept)
    encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(filled.schema, _encoders(table.name, filled.schema))
    payload = b"".join((encoder.write_header(), encoder.write_batch(filled), encoder.finish()))
    return Stream(tuple(filled.schema.names), payload)


async def chunks(payload: bytes) -> AsyncIterator[bytes]:
    """A stream's payload in pieces, so that the loop breathes while a large batch is sent."""
    view = memoryview(payload)
    for start in range(0, len(view), CHUNK_BYTES):
        yield bytes(view[start : start + CHUNK_BYTES])


@cache
def _encoders(name: str, schema: pa.Schema) -> dict[str, object]:
    table = RAW_BY_NAME[name]
    kinds = {column.name: column.kind for column in table.columns}
    return {field.name: _encoder(field, kinds[field.name]) for field in schema}


def _encoder(field: pa.Field, kind: str) -> object:
    if kind == "jsonb":
        return StringEncoderBuilder.new_with_output(field, Jsonb())
    return pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
