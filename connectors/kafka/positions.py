"""Where the broker is: first and end offsets of partitions, and who is in a consumer group. Reads only."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError, KafkaError

from connectors.kafka.knocking import refusal
from connectors.kafka.options import KafkaAccess, client_options

ANSWER_S: Final = 15.0
_PAUSE_S: Final = 0.3

Place = tuple[str, int]


class OffsetSpan(NamedTuple):
    """What a partition holds: offsets from `first` up to but not including `end`."""

    first: int
    end: int


async def read_positions(access: KafkaAccess, topics: Iterable[str]) -> dict[Place, OffsetSpan]:
    """The spans of every partition of those topics that exist. Raises ServiceUnreachableError or ConfigurationError."""
    consumer = AIOKafkaConsumer(
        **client_options(access), client_id="quaystream-positions", request_timeout_ms=int(ANSWER_S * 1000)
    )
    try:
        places = await _places(access, list(topics))
        await asyncio.wait_for(consumer.start(), ANSWER_S)
        first = await consumer.beginning_offsets(places) if places else {}
        end = await consumer.end_offsets(places) if places else {}
    except (KafkaError, TimeoutError) as error:
        raise await refusal(access) from error
    finally:
        await consumer.stop()
    return {(place.topic, place.partition): OffsetSpan(first[place], end[place]) for place in places}


async def _places(access: KafkaAccess, topics: Sequence[str]) -> list[TopicPartition]:
    # A consumer that subscribes to nothing knows no partitions, so the admin client is asked.
    client = AIOKafkaAdminClient(
        **client_options(access), client_id="quaystream-positions", request_timeout_ms=int(ANSWER_S * 1000)
    )
    try:
        await asyncio.wait_for(client.start(), ANSWER_S)
        described = await client.describe_topics(topics)
    finally:
        await client.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in sorted(topic["partitions"], key=lambda partition: int(partition["partition"]))
    ]


async def read_members(access: KafkaAccess, group: str) -> list[str]:
    """The client ids in a consumer group, empty when nobody is. Raises ServiceUnreachableError or ConfigurationError."""
    client = AIOKafkaAdminClient(
        **client_options(access), client_id="quaystream-positions", request_timeout_ms=int(ANSWER_S * 1000)
    )
    try:
        await asyncio.wait_for(client.start(), ANSWER_S)
        return await _members(client, group, time.monotonic() + ANSWER_S)
    except (KafkaError, TimeoutError) as error:
        raise await refusal(access) from error
    finally:
        await client.close()


async def _members(client: AIOKafkaAdminClient, group: str, deadline: float) -> list[str]:
    # A new cluster makes its group coordinator when first asked for one, and a moved one loads for a while.
    while True:
        try:
            (response,) = await client.describe_consumer_groups([group])
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_PAUSE_S)
        else:
            _, _, _, _, _, members, *_ = response.groups[0]
            return sorted(member[1] for member in members)
