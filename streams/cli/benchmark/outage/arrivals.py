"""Everything that is in the event topics, read by a consumer of its own and judged for order."""

from typing import Final

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from connectors.kafka.options import KafkaAccess, librdkafka_options
from schemas.errors import ServiceUnreachableError
from schemas.topics import EVENT_TOPICS
from streams.cli.benchmark.outage.order import Arrivals, Order

_ANSWER_S: Final = 20.0
_MOST: Final = 5_000


class _Head(msgspec.Struct):
    id: str
    source: str
    subject: str
    type: str
    bootid: str | None = None
    sequence: str | None = None


def read_arrivals(access: KafkaAccess) -> Arrivals:
    """From the beginning of every partition to its end as it is now."""
    own = {"group.id": "quaystream-outage", "enable.auto.commit": False, "fetch.message.max.bytes": 4 * 1024 * 1024}
    consumer = Consumer({**librdkafka_options(access), **own})
    try:
        return _read(consumer)
    finally:
        consumer.close()


def _read(consumer: Consumer) -> Arrivals:
    order, decode = Order(), msgspec.json.Decoder(_Head).decode
    left = _ends(consumer)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in left])
    while left:
        messages = consumer.consume(_MOST, _ANSWER_S)
        if not messages:
            raise ServiceUnreachableError(f"Kafka gives no more of {min(left)}")
        for message in messages:
            place = (message.topic(), message.partition())
            _add(decode(message.value()), order)
            if message.offset() + 1 >= left.get(place, 0):
                left.pop(place, None)
    return order.result()


def _add(head: _Head, order: Order) -> None:
    if head.sequence is None:
        order.add_unnumbered((head.source, head.id))
    else:
        order.add((head.source, head.bootid, head.subject, head.type), int(head.sequence))


def _ends(consumer: Consumer) -> dict[tuple[str, int], int]:
    """The ends of partitions that hold anything."""
    known = consumer.list_topics(timeout=_ANSWER_S).topics
    ends = {}
    for topic in (topic.name for topic in EVENT_TOPICS):
        for partition in known[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_ANSWER_S)
            if high > low:
                ends[topic, partition] = high
    return ends
