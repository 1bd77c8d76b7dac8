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
    """Records of one partition in offset order; `serial` counts the seeks made before they were fetched.

    Without records it says that the broker has none below offset `passed` (all removed, or no records).
    """

    tp: TopicPartition
    serial: int
    records: Sequence[Record]
    passed: int = 0

    @property
    def first(self) -> int:
        """The offset it starts at."""
        return self.records[0].offset if self.records else self.passed

    @property
    def end(self) -> int:
        """The offset that follows it."""
        return self.records[-1].offset + 1 if self.records else self.passed
