"""An operator's decision to start a partition elsewhere: the topic was created again, or its history is given up.

The fence row starts anew at the given offset; its outcomes so far are set aside in `ingest.retired`, so
that `verify` still compares every stored row with a count.
"""

import json
from collections.abc import Mapping

import asyncpg

_LOCKED = """
SELECT first_offset, next_offset, accepted, duplicate, rejected, missing FROM ingest.partition_offset
WHERE consumer_group = $1 AND topic = $2 AND partition = $3 FOR UPDATE
"""
_SET_ASIDE = """
INSERT INTO ingest.retired (table_name, from_time, to_time, rows, records)
VALUES ('ingest.partition_offset', now(), now(), 0, $1::text::jsonb)
"""
# A new epoch fences a worker that still believes it has the partition.
_START_ANEW = """
UPDATE ingest.partition_offset
SET first_offset = $4, next_offset = $4, epoch = epoch + 1, owner = NULL, updated_at = now(),
    accepted = 0, duplicate = 0, rejected = 0, missing = 0
WHERE consumer_group = $1 AND topic = $2 AND partition = $3
"""


async def reset_offsets(connection: asyncpg.Connection, group: str, topic: str, to: Mapping[int, int]) -> list[int]:
    """Start partitions anew, `to` says at which offset; answers the partitions that had a row to reset.

    One transaction, as the owner: all or none.
    """
    async with connection.transaction():
        return [
            partition for partition in sorted(to) if await _reset(connection, (group, topic, partition), to[partition])
        ]


async def _reset(connection: asyncpg.Connection, place: tuple[str, str, int], offset: int) -> bool:
    row = await connection.fetchrow(_LOCKED, *place)
    if row is None:
        return False
    _, topic, partition = place
    await connection.execute(_SET_ASIDE, json.dumps([{"topic": topic, "partition": partition, **row}]))
    await connection.execute(_START_ANEW, *place, offset)
    return True
