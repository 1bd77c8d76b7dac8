"""What has arrived in Kafka since a moment: read by a consumer of its own."""

import time
from typing import Final

import msgspec
from confluent_kafka import Consumer, TopicPartition

from connectors.kafka.options import KafkaAccess, librdkafka_options
from streams.cli.benchmark.behind_mqtt.tally import Tally

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
        self.tally = Tally()
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
        while self.tally.different < count and time.monotonic() < min(deadline, heard_s + quiet_s):
            if self._take():
                heard_s = time.monotonic()

    def read_rest(self, quiet_s: float) -> None:
        """What comes after that: copies."""
        while self._take(quiet_s):
            pass

    def _take(self, wait_s: float = _LOOK_S) -> int:
        messages = self._consumer.consume(5_000, wait_s)
        good = [message for message in messages if message.error() is None]
        for message in good:
            event = self._decode(message.value())
            self.tally.add(int(event.data.energy_total_kwh), event.id)
            self.last_ms = max(self.last_ms, message.timestamp()[1])
        return len(good)
