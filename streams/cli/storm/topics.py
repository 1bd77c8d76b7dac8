"""The declared topics on three brokers, with few partitions, and emptied between rounds."""

import asyncio
import time
from typing import Any, Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.kafka.options import KafkaAccess
from connectors.kafka.topics import topic_admin
from deploy.local.cluster.cluster import BROKERS
from schemas.topics import load_topics

PARTITIONS: Final = 4
_ANSWER_S: Final = 30.0
_END: Final = -1


def empty_topics(brokers: str) -> None:
    """Every declared topic is there, with nothing in it; offsets go on where they were."""
    asyncio.run(_create(brokers))
    _delete_records(brokers)


async def _create(brokers: str) -> None:
    topics = [topic.model_copy(update={"partitions": PARTITIONS}) for topic in load_topics().values()]
    async with topic_admin(KafkaAccess(brokers)) as admin:
        found = await admin.read([topic.name for topic in topics])
        await admin.create([topic for topic in topics if topic.name not in found.topics], len(BROKERS))


def _delete_records(brokers: str) -> None:
    admin = AdminClient({"bootstrap.servers": brokers})
    places = [TopicPartition(name, number, _END) for name in load_topics() for number in range(PARTITIONS)]
    deadline = time.monotonic() + _ANSWER_S
    while True:
        try:
            return _done(admin.delete_records(places, operation_timeout=_ANSWER_S))
        except KafkaException:
            # Leaders may still be moving after the last round.
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def _done(futures: Any) -> None:
    for future in futures.values():
        future.result(_ANSWER_S)
