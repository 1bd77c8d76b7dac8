"""What the core knows of a Kafka record, and of a stretch of records fetched together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """The fields read of a fetched record (aiokafka's `ConsumerRecord` has them)."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """The broker's append time, epoch milliseconds (topics use LogAppendTime)."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class TopicPartition(NamedTuple):
    """A partition of a topic; equal to Faust's and aiokafka's own tuples."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records of one partition in offset order; `serial` counts the seeks made before they were fetched."""

    tp: TopicPartition
    serial: int
    records: Sequence[Record]
