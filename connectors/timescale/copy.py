"""Rows to PostgreSQL's binary COPY format, by pgpq: about 0.2 µs per row against 2.5 µs for row tuples."""

from collections.abc import AsyncIterator
from functools import cache

import pgpq
import pyarrow as pa
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb

from schemas.tables import RAW_BY_NAME, RawTable

CHUNK_BYTES = 512 * 1024


def encode(table: RawTable, rows: pa.RecordBatch) -> bytes:
    """`rows` (columns in the table's order) as one binary COPY stream."""
    encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(rows.schema, _encoders(table.name, rows.schema))
    return b"".join((encoder.write_header(), encoder.write_batch(rows), encoder.finish()))


async def chunks(stream: bytes) -> AsyncIterator[bytes]:
    """The stream in pieces, so that the loop breathes while a large batch is sent."""
    view = memoryview(stream)
    for start in range(0, len(view), CHUNK_BYTES):
        yield bytes(view[start : start + CHUNK_BYTES])


@cache
def _encoders(name: str, schema: pa.Schema) -> dict[str, object]:
    table = RAW_BY_NAME[name]
    return {column.name: _encoder(schema.field(column.name), column.kind) for column in table.columns}


def _encoder(field: pa.Field, kind: str) -> object:
    if kind == "jsonb":
        return StringEncoderBuilder.new_with_output(field, Jsonb())
    return pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
