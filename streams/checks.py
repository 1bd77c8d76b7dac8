"""What a worker checks before it starts, so that a wrong set-up is one clear line and not a log to read."""

import asyncpg

from connectors.kafka.options import access_from
from connectors.kafka.topics import topic_admin
from connectors.timescale.connection import connection_to
from connectors.timescale.schema_check import check_schema
from schemas.errors import ConfigurationError
from schemas.topics import EVENT_TOPICS
from streams.settings import Settings


async def check_start(settings: Settings) -> None:
    """Raises ConfigurationError or ServiceUnreachableError."""
    async with connection_to(settings.worker_dsn()) as connection:
        await check_schema(connection)
        await _check_group(connection, settings.group)
    async with topic_admin(access_from(settings)) as admin:
        found = await admin.read([topic.name for topic in EVENT_TOPICS])
    missing = [topic.name for topic in EVENT_TOPICS if topic.name not in found.topics]
    if missing:
        raise ConfigurationError(
            f"topics are missing: {', '.join(missing)}; create them with `quaystream topics apply`"
        )


async def _check_group(connection: asyncpg.Connection, group: str) -> None:
    """One database has one consumer group: another would store everything again."""
    others = await connection.fetch(
        "SELECT DISTINCT consumer_group FROM ingest.partition_offset WHERE consumer_group <> $1", group
    )
    if others:
        name = others[0]["consumer_group"]
        raise ConfigurationError(
            f"this database belongs to consumer group {name!r}, not {group!r}: set QUAYSTREAM_GROUP={name}"
        )
