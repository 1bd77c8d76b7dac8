"""Marks in the ingest transaction: appended, never looked up, so that they cost one statement and wait for nobody."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from connectors.timescale.pool import Connection
from streams.facts.marks import Mark

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ADD = """
INSERT INTO ingest.refold (kind, key, from_time, to_time)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
"""


async def add(connection: Connection, marks: Sequence[Mark]) -> None:
    """Append the marks of a batch."""
    if marks:
        await connection.execute(
            _ADD,
            [mark.kind for mark in marks],
            [mark.key for mark in marks],
            [_moment(mark.from_us) for mark in marks],
            [_moment(mark.to_us) for mark in marks],
        )


def _moment(time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time_us)
