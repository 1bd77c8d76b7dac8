"""What a lane needs of the consumer and of whoever counts, as protocols."""

from typing import NoReturn, Protocol

from streams.core.record import TopicPartition
from streams.core.writes import Writes


class Flow(Protocol):
    """The consumer, as far as a lane steers it."""

    async def reseek(self, tp: TopicPartition, offset: int) -> int:
        """Continue from `offset`; what is fetched later carries at least the returned serial."""

    async def log_start(self, tp: TopicPartition) -> int:
        """The earliest offset the broker still has."""

    def hold(self, tp: TopicPartition) -> None:
        """Fetch nothing of it until `release`."""

    def release(self, tp: TopicPartition) -> None:
        """Fetch it again."""


class Recorder(Protocol):
    """Who counts what happened (connectors/prometheus)."""

    def committed(self, writes: Writes, seconds: float) -> None:
        """A transaction landed."""

    def retried(self, cause: str) -> None:
        """A transaction was rolled back and will be tried again."""

    def fenced(self, tp: TopicPartition) -> None:
        """A transaction was refused because another worker had moved the offset."""


class Crash(Protocol):
    """Ends the process for an error nobody foresaw; never returns."""

    def __call__(self, error: BaseException) -> NoReturn: ...
