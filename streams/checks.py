"""What a worker checks before it starts, so that a wrong set-up is one clear line and not a log to read."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg
import structlog

from connectors.kafka.options import KafkaAccess, access_from
from connectors.kafka.positions import read_positions
from connectors.kafka.topics import topic_admin
from connectors.timescale.connection import connection_to
from connectors.timescale.ledger import PartitionLine, read_partitions
from connectors.timescale.schema_check import check_schema
from schemas.errors import ConfigurationError
from schemas.topics import BACKFILL_TOPICS, EVENT_TOPICS, INGEST_TOPICS
from streams.ownership import recreated
from streams.settings import Settings

log = structlog.get_logger()


async def check_start(settings: Settings) -> tuple[str, ...]:
    """The topics to read: without their back-fill where the brokers have none yet.

    Raises ConfigurationError or ServiceUnreachableError.
    """
    async with connection_to(settings.worker_dsn()) as connection:
        await check_schema(connection)
        await _check_group(connection, settings.group)
        fences = await read_partitions(connection)
    with _quiet_client():
        topics = await _find_topics(access_from(settings))
        await _check_fences(access_from(settings), fences)
    return topics


async def _find_topics(access: KafkaAccess) -> tuple[str, ...]:
    async with topic_admin(access) as admin:
        found = await admin.existing([topic.name for topic in INGEST_TOPICS])
    missing = [topic.name for topic in EVENT_TOPICS if topic.name not in found]
    if missing:
        raise ConfigurationError(
            f"topics are missing: {', '.join(missing)}; create them with `quaystream topics apply`"
        )
    without = [topic.name for topic in BACKFILL_TOPICS if topic.name not in found]
    if without:
        log.warning("no back-fill until `quaystream topics apply` and a restart", missing=", ".join(without))
    return tuple(found)


async def _check_fences(access: KafkaAccess, fences: Sequence[PartitionLine]) -> None:
    """As ownership does when it claims, but before the group is joined: a member could not be reset."""
    spans = await read_positions(access, {line.topic for line in fences}) if fences else {}
    for line in fences:
        if line.place in spans and line.next_offset > spans[line.place].end:
            raise ConfigurationError(recreated(*line.place, line.next_offset, spans[line.place].end))


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


@contextmanager
def _quiet_client() -> Iterator[None]:
    """What goes wrong reaches the person once, as the error the command ends with."""
    client = logging.getLogger("aiokafka")
    before = client.level
    client.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        client.setLevel(before)
