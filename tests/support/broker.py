"""The broker as tests need it: the contract's topics, empty, with few partitions, and a producer that is not ours."""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from schemas.topics import load_topics
from tests.support.events import Message

PARTITIONS = 2
ANSWER_S = 20.0
END = -1
_PASSING = ("NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "UNKNOWN_TOPIC_OR_PART")


class Placed(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int


class Broker:
    """One Kafka broker. Every method waits until what it asks for is done."""

    def __init__(self, brokers: str, access: Mapping[str, str] = MappingProxyType({})) -> None:
        """`access`: how to be let in, as librdkafka names it."""
        self.brokers = brokers
        self._access = {"bootstrap.servers": brokers, **access}
        self.admin = AdminClient(self._access)

    def reset(self) -> None:
        """Every declared topic is there with `PARTITIONS` partitions, and holds nothing.

        What was in it is deleted, not the topic: its offsets go on, which takes a tenth of the time.
        """
        found = self.partitions()
        odd = [name for name in load_topics() if found.get(name, PARTITIONS) != PARTITIONS]
        self.delete(*odd)
        self.create(*(name for name in load_topics() if name not in found or name in odd))
        self.delete_records({tp: END for name in load_topics() for tp in self.places(name)})

    def partitions(self) -> dict[str, int]:
        """Partitions by topic."""
        return {name: len(topic.partitions) for name, topic in self.admin.list_topics(timeout=ANSWER_S).topics.items()}

    def places(self, topic: str, partitions: int = PARTITIONS) -> list[tuple[str, int]]:
        return [(topic, partition) for partition in range(partitions)]

    def create(self, *names: str, partitions: int = PARTITIONS) -> None:
        """Create declared topics as declared, but for the number of partitions."""
        declared = load_topics()
        new = [NewTopic(name, partitions, 1, config=dict(declared[name].config)) for name in names]
        if new:
            _done(self.admin.create_topics(new, operation_timeout=ANSWER_S))
            self._await(lambda found: set(names) <= found.keys())

    def delete(self, *names: str) -> None:
        """Delete topics."""
        if names:
            _done(self.admin.delete_topics(list(names), operation_timeout=ANSWER_S))
            self._await(lambda found: not set(names) & found.keys())

    def recreate(self, *names: str, partitions: int = PARTITIONS) -> None:
        """Delete and create again: offsets start at 0."""
        self.delete(*names)
        self.create(*names, partitions=partitions)

    def delete_records(self, before: Mapping[tuple[str, int], int]) -> None:
        """Delete records before an offset, as retention does; `END` deletes all."""
        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in before.items()]
        deadline = time.monotonic() + ANSWER_S
        while True:
            try:
                return _done(self.admin.delete_records(places, operation_timeout=ANSWER_S))
            except KafkaException as error:
                # A partition made a moment ago may not have told every client of its leader.
                if error.args[0].name() not in _PASSING or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def offsets(self, topic: str, partition: int) -> tuple[int, int]:
        """The first and the end offset of a partition."""
        place = TopicPartition(topic, partition)
        first, end = (
            self.admin.list_offsets({place: spec})[place].result(ANSWER_S).offset
            for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
        )
        return first, end

    def producer(self, **options: Any) -> Producer:
        """A producer that is not ours; options as librdkafka names them, with `_` for `.`."""
        given = {name.replace("_", "."): value for name, value in options.items()}
        return Producer({**self._access, "message.max.bytes": 4_000_000, "linger.ms": 20, **given})

    def send(self, messages: Iterable[Message], **options: Any) -> list[Placed]:
        """Send messages in order and wait until every one is acknowledged; where each one is."""
        producer = self.producer(**options)
        placed: dict[int, Placed] = {}
        failures: list[Any] = []
        count = 0
        for message in messages:
            produce(producer, message, partial(_note, placed, failures, count))
            count += 1
        left = producer.flush(60)
        assert not failures, failures[:3]
        assert not left, f"{left} messages were not acknowledged"
        return [placed[index] for index in range(count)]

    def records(self, topic: str, partitions: int = PARTITIONS) -> list[Any]:
        """Everything a topic holds now, by partition and offset; transaction markers are no records."""
        ends = {partition: self.offsets(topic, partition) for _, partition in self.places(topic, partitions)}
        consumer = Consumer(
            {
                **self._access,
                "group.id": "test-reader",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,
                "enable.auto.commit": False,
            }
        )
        consumer.assign([TopicPartition(topic, partition, first) for partition, (first, _) in ends.items()])
        found = _read_to_end(consumer, len(ends))
        consumer.close()
        return sorted(found, key=lambda record: (record.partition(), record.offset()))

    def commit(self, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
        """Commit offsets for a group that has no members."""
        consumer = Consumer({**self._access, "group.id": group})
        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
        consumer.commit(offsets=places, asynchronous=False)
        consumer.close()

    def committed(self, group: str, topic: str, partition: int) -> int:
        """What a group has committed; negative when nothing."""
        consumer = Consumer({**self._access, "group.id": group})
        (place,) = consumer.committed([TopicPartition(topic, partition)], timeout=ANSWER_S)
        consumer.close()
        return int(place.offset)

    def _await(self, holds: Any) -> None:
        deadline = time.monotonic() + ANSWER_S
        while not holds(self.partitions()):
            assert time.monotonic() < deadline, "the broker's topics did not become what they should"
            time.sleep(0.05)


def produce(producer: Producer, message: Message, on_delivery: Callable[[Any, Any], None] | None = None) -> None:
    """Hand over one message; waits while the producer's queue is full."""
    place = {} if message.partition is None else {"partition": message.partition}
    while True:
        try:
            producer.produce(
                message.topic,
                message.value,
                message.key,
                headers=list(message.headers),
                on_delivery=on_delivery,
                **place,
            )
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _note(placed: dict[int, Placed], failures: list[Any], index: int, error: Any, record: Any) -> None:
    if error is not None:
        failures.append(error)
    else:
        placed[index] = Placed(record.topic(), record.partition(), record.offset())


def _read_to_end(consumer: Consumer, partitions: int) -> list[Any]:
    found, ended = [], 0
    deadline = time.monotonic() + ANSWER_S
    while ended < partitions:
        assert time.monotonic() < deadline, "the topic was not read to its end in time"
        record = consumer.poll(1.0)
        if record is None:
            continue
        if record.error() is None:
            found.append(record)
        elif record.error().name() == "_PARTITION_EOF":
            ended += 1
        else:
            raise KafkaException(record.error())
    return found


def _done(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        future.result(ANSWER_S)
