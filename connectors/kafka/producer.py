"""The publisher: sends records so that each one acknowledged is stored by every in-sync replica, once.

Records are batched and compressed; `flush` is where failures surface. After a failure the client
underneath is made anew, because the numbering of an idempotent producer does not survive one.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Literal, NoReturn, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from connectors.kafka.knocking import refusal
from connectors.kafka.options import KafkaAccess, client_options
from schemas.errors import ConfigurationError, QuaystreamError, ServiceUnreachableError

Headers = Sequence[tuple[str, bytes | None]]

START_S: Final = 10.0
DELIVERY_S: Final = 60.0
CLOSE_S: Final = 1.0
APPEAR_S: Final = 3.0
_MAX_IN_FLIGHT: Final = 50_000
_BATCH_BYTES: Final = 256 * 1024
# What one record may be before compression; what the broker takes is the topic's max.message.bytes.
_MAX_RECORD_BYTES: Final = 64 * 1024 * 1024


class RecordTooLargeError(ConfigurationError):
    """The topic does not take a record of this size."""


class Publisher:
    """Sends to Kafka: idempotent, acks from all in-sync replicas, Kafka's murmur2 of the key picks the partition.

    `async with Publisher(access) as publisher` connects within `START_S` seconds or raises
    ServiceUnreachableError; leaving it without an error flushes.
    """

    def __init__(self, access: KafkaAccess, compression: Literal["lz4", "zstd"] = "lz4") -> None:
        self._access = access
        self._signer = access.signer()
        self._compression = compression
        self._connection: _Connection | None = None
        self._acknowledged = 0

    @property
    def acknowledged(self) -> int:
        """Records that the broker has confirmed."""
        return self._acknowledged + (self._connection.acknowledged if self._connection else 0)

    async def __aenter__(self) -> Self:
        await self._connected()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.flush()
            else:
                with suppress(QuaystreamError, TimeoutError):
                    await asyncio.wait_for(self.flush(), CLOSE_S)
        finally:
            await self._close()

    async def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """Hand over one record; waits while too many are on their way. Its failure is raised later, or by `flush`.

        Raises ConfigurationError for a topic that is missing, RecordTooLargeError for what it does not take,
        ServiceUnreachableError when the brokers do not answer in time.
        """
        connection = await self._connected()
        try:
            await connection.require(topic)
            await connection.wait_until_at_most(_MAX_IN_FLIGHT - 1)
            await connection.send(topic, key, value, self._signer.signed(value, headers) if self._signer else headers)
        except (KafkaError, TimeoutError) as error:
            await self._give_up(error)

    async def flush(self) -> None:
        """Wait until every record handed over is acknowledged; raises as `send` for the first that was not."""
        if self._connection is None:
            return
        try:
            await self._connection.wait_until_at_most(0)
        except (KafkaError, TimeoutError) as error:
            await self._give_up(error)

    async def _give_up(self, error: Exception) -> NoReturn:
        """Drop what is on its way and say why; the next `send` starts afresh."""
        await self._close()
        if isinstance(error, MessageSizeTooLargeError):
            raise RecordTooLargeError("a record is larger than its topic takes (max.message.bytes)") from error
        if isinstance(error, TopicAuthorizationFailedError):
            raise ConfigurationError(f"the brokers at {self._access.brokers} do not let us write: {error}") from error
        raise ServiceUnreachableError(
            f"Kafka at {self._access.brokers} did not acknowledge ({type(error).__name__}): is every broker up?"
        ) from error

    async def _connected(self) -> "_Connection":
        if self._connection is None:
            self._connection = await self._connect()
        return self._connection

    async def _connect(self) -> "_Connection":
        producer = AIOKafkaProducer(
            **client_options(self._access),
            client_id="quaystream-publisher",
            acks="all",
            enable_idempotence=True,
            compression_type=self._compression,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_MAX_RECORD_BYTES,
            linger_ms=5,
        )
        try:
            await asyncio.wait_for(producer.start(), START_S)
        except (KafkaConnectionError, TimeoutError) as error:
            await _abandon(producer)
            raise await refusal(self._access) from error
        return _Connection(producer, self._access.brokers)

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._acknowledged += connection.acknowledged
            await connection.close()


class _Connection:
    """One started producer, what it has on its way, and the first failure."""

    def __init__(self, producer: AIOKafkaProducer, brokers: str) -> None:
        self.producer = producer
        self.acknowledged = 0
        self._brokers = brokers
        self._topics: set[str] = set()
        self._in_flight = 0
        self._failure: BaseException | None = None
        self._moved = asyncio.Event()

    async def require(self, topic: str) -> None:
        if topic in self._topics:
            return
        deadline = asyncio.get_running_loop().time() + APPEAR_S
        # A topic made a moment ago may not have come round to every broker.
        while topic not in (await self.producer.client.fetch_all_metadata()).topics():
            if asyncio.get_running_loop().time() > deadline:
                raise ConfigurationError(
                    f"topic {topic} does not exist at {self._brokers}, or we may not see it: "
                    "create it with `quaystream topics apply`"
                )
            await asyncio.sleep(0.1)
        self._topics.add(topic)

    async def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        future = await self._hand_over(topic, key, value, list(headers))
        self._in_flight += 1
        future.add_done_callback(self._done)

    async def wait_until_at_most(self, in_flight: int) -> None:
        """Raises the first failure, or TimeoutError after `DELIVERY_S` seconds without any acknowledgement."""
        while self._failure is None and self._in_flight > in_flight:
            self._moved.clear()
            await asyncio.wait_for(self._moved.wait(), DELIVERY_S)
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Stop at once; what is still on its way is given up (the client's own stop would wait for it for ever)."""
        if self._in_flight == 0:
            await self.producer.stop()
        else:
            await _abandon(self.producer)

    async def _hand_over(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
    ) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any]
        if key is not None or value is not None:
            future = await self.producer.send(topic, value=value, key=key, headers=headers)
        else:
            # The client refuses a record of nothing by assertion, although Kafka has them; a batch of one passes.
            batch = self.producer.create_batch()
            batch.append(timestamp=None, key=None, value=None, headers=headers)
            partition = random.choice(sorted(await self.producer.partitions_for(topic)))  # noqa: S311
            future = await self.producer.send_batch(batch, topic, partition=partition)
        return future

    def _done(self, future: "asyncio.Future[Any]") -> None:
        self._in_flight -= 1
        self._moved.set()
        if future.cancelled():
            self._failure = self._failure or KafkaError("cancelled")
        elif error := future.exception():
            self._failure = self._failure or error
        else:
            self.acknowledged += 1


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Stop a producer that cannot deliver. The client has no call for it, so it is taken apart."""
    producer._closed = True  # noqa: SLF001
    with suppress(TimeoutError, KafkaError):
        await asyncio.wait_for(producer._sender.close(), CLOSE_S)  # noqa: SLF001
    with suppress(TimeoutError, KafkaError):
        await asyncio.wait_for(producer.client.close(), CLOSE_S)
