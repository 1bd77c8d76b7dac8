"""The forwarder's consumer: one group per contract, offsets committed only after what was read is acknowledged."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from connectors.kafka.options import KafkaAccess, client_options
from schemas.errors import ServiceUnreachableError

FETCH_MS: Final = 500
HELD_S: Final = 1.0
MOST_RECORDS: Final = 2_000
Place = tuple[str, int]


class ShareConsumer:
    """Reads topics from where the group left off, or from the start. At least once."""

    def __init__(self, access: KafkaAccess, group: str, topics: Sequence[str]) -> None:
        self._access = access
        self._held: dict[Place, float] = {}
        self._client = AIOKafkaConsumer(
            *topics,
            **client_options(access),
            client_id="quaystream-share",
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    async def __aenter__(self) -> Self:
        try:
            await self._client.start()
        except (KafkaConnectionError, KafkaError) as error:
            await self._client.stop()
            raise ServiceUnreachableError(f"no Kafka broker lets us in at {self._access.brokers}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.stop()

    async def fetch(self) -> Mapping[Place, Sequence[Any]]:
        """Some records by partition, in the order of their offsets; none after half a second."""
        self._let_held_go_on()
        found = await self._client.getmany(timeout_ms=FETCH_MS, max_records=MOST_RECORDS)
        return {(tp.topic, tp.partition): records for tp, records in found.items() if records}

    async def commit(self, nexts: Mapping[Place, int]) -> None:
        """The group goes on from these offsets."""
        if nexts:
            await self._client.commit({TopicPartition(*place): offset for place, offset in nexts.items()})

    def return_to(self, place: Place, offset: int) -> None:
        """Read on from here, a moment later: what came after it is not to be given yet."""
        self._client.seek(TopicPartition(*place), offset)
        self._client.pause(TopicPartition(*place))
        self._held[place] = time.monotonic()

    async def is_at_end(self) -> bool:
        """Whether all that was there when asked has been read, but for what is held back."""
        assigned = self._client.assignment()
        if not assigned:
            return False
        ends = await self._client.end_offsets(assigned)
        others = [tp for tp in assigned if (tp.topic, tp.partition) not in self._held]
        return all([await self._client.position(tp) >= ends[tp] for tp in others])

    def _let_held_go_on(self) -> None:
        now = time.monotonic()
        for place in [place for place, since in self._held.items() if now - since >= HELD_S]:
            del self._held[place]
            if TopicPartition(*place) in self._client.assignment():
                self._client.resume(TopicPartition(*place))
