"""The fence: one row per partition that says where the next record must start (engine section 8)."""

from collections.abc import Iterable, Mapping, Sequence

import asyncpg

from connectors.timescale.pool import Connection
from streams.core.record import TopicPartition
from streams.core.writes import Progress
from streams.store import FencedError, Position

_CLAIM = """
INSERT INTO ingest.partition_offset AS o (consumer_group, topic, partition, first_offset, next_offset, epoch, owner)
SELECT $1, topic, partition, start, start, 1, $2
FROM unnest($3::text[], $4::int[], $5::bigint[]) AS v(topic, partition, start)
ORDER BY topic, partition
ON CONFLICT (consumer_group, topic, partition)
DO UPDATE SET epoch = o.epoch + 1, owner = EXCLUDED.owner, updated_at = now()
RETURNING topic, partition, next_offset, epoch
"""
_READ = """
SELECT o.topic, o.partition, o.next_offset, o.epoch
FROM ingest.partition_offset o
JOIN unnest($2::text[], $3::int[]) AS v(topic, partition) USING (topic, partition)
WHERE o.consumer_group = $1
ORDER BY o.topic, o.partition
FOR UPDATE OF o
"""
_MOVE = """
UPDATE ingest.partition_offset o
SET next_offset = v.next_offset, accepted = o.accepted + v.accepted, duplicate = o.duplicate + v.duplicate,
    rejected = o.rejected + v.rejected, missing = o.missing + v.missing, updated_at = now()
FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
  AS v(topic, partition, expected, next_offset, epoch, accepted, duplicate, rejected, missing)
WHERE o.consumer_group = $1 AND o.topic = v.topic AND o.partition = v.partition
  AND o.next_offset = v.expected AND o.epoch = v.epoch
RETURNING o.topic, o.partition
"""


async def claim(
    connection: Connection, group: str, owner: str, starts: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Position]:
    """Take partitions over; a new one starts at `starts` (the log's earliest offset).

    Waits for a previous owner's transaction still in flight (its row lock), so what it returns is current.
    """
    ordered = sorted(starts)
    rows = await connection.fetch(
        _CLAIM,
        group,
        owner,
        [tp.topic for tp in ordered],
        [tp.partition for tp in ordered],
        [starts[tp] for tp in ordered],
    )
    return _positions(rows)


async def read(
    connection: Connection, group: str, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, Position]:
    """Where partitions stand, without claiming; waits for a transaction in flight on them."""
    ordered = sorted(partitions)
    return _positions(
        await connection.fetch(_READ, group, [tp.topic for tp in ordered], [tp.partition for tp in ordered])
    )


async def move(connection: Connection, group: str, progress: Sequence[Progress]) -> None:
    """The compare-and-swap, first in every transaction; raises `FencedError`."""
    columns = zip(
        *(
            (
                s.tp.topic,
                s.tp.partition,
                s.expected,
                s.next_offset,
                s.epoch,
                s.accepted,
                s.duplicate,
                s.rejected,
                s.missing,
            )
            for s in progress
        ),
        strict=True,
    )
    rows = await connection.fetch(_MOVE, group, *map(list, columns))
    moved = {TopicPartition(row["topic"], row["partition"]) for row in rows}
    refused = frozenset(step.tp for step in progress) - moved
    if refused:
        raise FencedError(refused)


def _positions(rows: Iterable[asyncpg.Record]) -> dict[TopicPartition, Position]:
    return {TopicPartition(r["topic"], r["partition"]): Position(r["next_offset"], r["epoch"]) for r in rows}
