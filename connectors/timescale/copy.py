"""Rows to PostgreSQL's binary COPY format, by pgpq: about 0.2 µs per row against 2.5 µs for row tuples."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache

import pgpq
import pyarrow as pa
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb

from schemas.tables import RawTable

CHUNK_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows of the `columns` that hold anything, as one binary COPY stream; the rest of the table stays null."""

    columns: tuple[str, ...]
    payload: bytes


def encode(table: RawTable, rows: pa.RecordBatch) -> Stream:
    """`rows` (columns in the table's order). Most fields are absent from most batches: those columns are left out."""
    kept = [i for i, column in enumerate(rows.columns) if column.null_count < len(column)]
    return _stream(rows.select(kept), frozenset(column.name for column in table.columns if column.kind == "jsonb"))


def encode_minutes(deltas: pa.Table) -> Stream:
    """Minute deltas, every column."""
    (batch,) = deltas.combine_chunks().to_batches()
    return _stream(batch, frozenset({"labels"}))


def _stream(batch: pa.RecordBatch, documents: frozenset[str]) -> Stream:
    encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(batch.schema, _encoders(batch.schema, documents))
    payload = b"".join((encoder.write_header(), encoder.write_batch(batch), encoder.finish()))
    return Stream(tuple(batch.schema.names), payload)


async def chunks(payload: bytes) -> AsyncIterator[bytes]:
    """A stream's payload in pieces, so that the loop breathes while a large batch is sent."""
    view = memoryview(payload)
    for start in range(0, len(view), CHUNK_BYTES):
        yield bytes(view[start : start + CHUNK_BYTES])


@cache
def _encoders(schema: pa.Schema, documents: frozenset[str]) -> dict[str, object]:
    return {field.name: _encoder(field, field.name in documents) for field in schema}


def _encoder(field: pa.Field, is_document: bool) -> object:
    if is_document:
        return StringEncoderBuilder.new_with_output(field, Jsonb())
    return pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
