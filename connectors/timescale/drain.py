"""Whether a topic is drained: everything the brokers hold of it has been stored or refused."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg


async def undrained(
    connection: "asyncpg.Connection[asyncpg.Record]", group: str, topic: str, ends: Mapping[int, int]
) -> dict[int, int]:
    """Records still to be read, by partition; `ends` are the topic's end offsets. Empty when it is drained."""
    rows = await connection.fetch(
        "SELECT partition, next_offset FROM ingest.partition_offset WHERE consumer_group = $1 AND topic = $2",
        group,
        topic,
    )
    stored = {row["partition"]: row["next_offset"] for row in rows}
    return {
        partition: end - stored.get(partition, 0) for partition, end in ends.items() if end > stored.get(partition, 0)
    }
