"""What has arrived in Kafka since a moment: which numbered payloads, how often, under how many names."""

import time
from collections import Counter
from typing import Final

import msgspec
from confluent_kafka import Consumer, TopicPartition

from connectors.kafka.options import KafkaAccess, librdkafka_options

TOPIC: Final = "crane-events"
_ANSWER_S: Final = 20.0
_LOOK_S: Final = 0.2


class _Data(msgspec.Struct):
    energy_total_kwh: float


class _Event(msgspec.Struct):
    data: _Data
    id: str = ""


class Arrivals:
    """Reads on from where the topic ended when it was made. `last_ms`: when the broker took the newest record (epoch)."""

    def __init__(self, access: KafkaAccess) -> None:
        own = {"group.id": "quaystream-behind-mqtt", "enable.auto.commit": False, "log_level": 0}
        self._consumer = Consumer({**librdkafka_options(access), **own})
        self._decode = msgspec.json.Decoder(_Event).decode
        self._copies: Counter[int] = Counter()
        self._names: set[tuple[int, str]] = set()
        self.last_ms = 0
        partitions = self._consumer.list_topics(TOPIC, timeout=_ANSWER_S).topics[TOPIC].partitions
        places = [TopicPartition(TOPIC, number) for number in partitions]
        ends = [self._consumer.get_watermark_offsets(place, timeout=_ANSWER_S)[1] for place in places]
        self._consumer.assign([TopicPartition(TOPIC, p.partition, end) for p, end in zip(places, ends, strict=True)])

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def read_until(self, count: int, within_s: float, quiet_s: float) -> None:
        """Until so many different payloads have come, or nothing new has for `quiet_s`, or the time is over."""
        deadline = time.monotonic() + within_s
        heard_s = time.monotonic()
        while len(self._copies) < count and time.monotonic() < min(deadline, heard_s + quiet_s):
            if self._take():
                heard_s = time.monotonic()

    def read_rest(self, quiet_s: float) -> None:
        """What comes after that: copies."""
        while self._take(quiet_s):
            pass

    @property
    def different(self) -> int:
        """Payloads that have come at least once."""
        return len(self._copies)

    @property
    def copies(self) -> int:
        """Records beyond the first of their payload."""
        return self._copies.total() - len(self._copies)

    @property
    def renamed(self) -> int:
        """Copies that nobody downstream can tell from another event: they have an id of their own, or none."""
        named = len({pair for pair in self._names if pair[1]})
        nameless = sum(count for number, count in self._copies.items() if (number, "") in self._names)
        known = len({number for number, _ in self._names})
        return named + nameless - known

    def _take(self, wait_s: float = _LOOK_S) -> int:
        messages = self._consumer.consume(5_000, wait_s)
        good = [message for message in messages if message.error() is None]
        for message in good:
            event = self._decode(message.value())
            number = int(event.data.energy_total_kwh)
            self._copies[number] += 1
            self._names.add((number, event.id))
            self.last_ms = max(self.last_ms, message.timestamp()[1])
        return len(good)
