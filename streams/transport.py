"""Faust's transport, one message per stretch of records instead of one per record.

The only file that touches Faust's internals (0.15.3, pinned; tests/contract/test_faust_internals.py
checks what it relies on). A stock agent costs 65-240 µs per event, this about 2 µs beside the fetch.
Offsets live in the database: `Assignments` is asked where to seek, Kafka's own commit is a lag figure.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast

from aiokafka.consumer import fetcher
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from faust.app.base import App, BootStrategy
from faust.exceptions import ConsumerNotStarted
from faust.transport.consumer import CONSUMER_FETCHING
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode import Service, get_logger

from schemas.backfill import is_backfill
from streams.core.record import Stretch, TopicPartition

logger = get_logger(__name__)
POLL_S = 0.05
"""Upstream polls for 1 s and sits it out when the data belongs to paused partitions: a third of the throughput."""
IDLE_S = 0.005
UNADMITTED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)
PATIENCE_S = 1.0
"""Between tries to read what the brokers do not let us read."""
FETCH_MIN_BYTES = 64 * 1024
FETCH_WAIT_MS = 20
"""One fetch is under way per broker: while it waits for quiet partitions the busy ones wait too (upstream: 1.5 s)."""
CLOSE_S = 5.0
"""How long the client may take for a courtesy to the broker: an offset for lag tools, a goodbye to the group."""


class Assignments(Protocol):
    """Who decides where assigned partitions continue."""

    async def assigned(self, log_starts: Mapping[TP, int], log_ends: Mapping[TP, int]) -> Mapping[TP, int]:
        """The offset each partition continues from; raises when the database cannot say in time."""

    def revoked(self, partitions: Iterable[TP]) -> None:
        """These partitions are no longer ours."""

    def committed(self, tp: TP) -> int | None:
        """The next offset of a partition as the database has it; None when it is not ours."""

    async def empty(self, tp: TP, end: int, serial: int) -> None:
        """All that was fetched of a partition is stored, and the broker has no record from there to `end`."""


class LeanRecords(fetcher.PartitionRecords):
    """What a fetch brought, as aiokafka's C parser leaves it: a ConsumerRecord around each costs a microsecond."""

    def _consumer_record(self, _: Any, record: Any) -> Any:
        return record


class LeanFetch(fetcher.FetchResult):
    """What a fetch brought of one partition. Upstream sends no other fetch to the broker for 100 ms while it is not used."""

    def calculate_backoff(self) -> float:
        """None for history: it waits here because it shall, and live partitions must not wait with it."""
        return 0.0 if is_backfill(self._topic_partition.topic) else float(super().calculate_backoff())


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to Kafka; a failed commit of an informational offset must not kill ingest."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Upstream reads what producers have aborted, unless its own transactions are on.
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._fetch_min_bytes = FETCH_MIN_BYTES
        # The fetcher finds the classes by these names only.
        fetcher.PartitionRecords, fetcher.FetchResult = LeanRecords, LeanFetch
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        ours = {tp: offset for tp, offset in offsets.items() if tp in self.assignment()}
        if not ours:
            return False
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._ensure_consumer().commit(
                    {driver.ensure_aiokafka_TP(tp): driver.OffsetAndMetadata(offset, "") for tp, offset in ours.items()}
                )
        except (driver.KafkaError, TimeoutError) as error:
            logger.warning("Kafka did not take the offsets (the database has them): %r", error)
            return False
        self.tp_last_committed_at.update(dict.fromkeys(ours, time.monotonic()))
        return True

    async def on_thread_stop(self) -> None:
        """Leave the group, unless the broker is away: then it would be waited for, and nobody is told anyway.

        A fetch that waits for it takes the client's cancellation for its own, and the client never ends.
        """
        try:
            async with asyncio.timeout(CLOSE_S):
                await super().on_thread_stop()
        except (asyncio.CancelledError, TimeoutError):
            await self._ensure_consumer()._client.close()

    async def unadmitted(self) -> Exception | None:
        """Which right the group's coordinator found missing. Only who asks lets it try again, and upstream never does."""
        return cast("Exception | None", await self.call_thread(self._unadmitted))

    async def _unadmitted(self) -> Exception | None:
        coordinator = self._ensure_consumer()._coordinator
        if isinstance(getattr(coordinator, "_pending_exception", None), UNADMITTED):
            try:
                coordinator.check_errors()
            except UNADMITTED as error:
                # Its heart stopped at that, and beats again only for a member that joins anew.
                coordinator.request_rejoin()
                return cast("Exception", error)
        return None

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Upstream's stall logs are racy; ours is the watchdog."""


class BatchConsumer(driver.Consumer):
    """Delivers stretches. `held` partitions are not fetched until released; `serial` counts completed seeks.

    `supplied` partitions are of back-fill topics and not fetched until what was delivered of them is used up: the queue
    of a topic that is full would keep every other topic waiting too. `asked` partitions have lag although nothing comes: after the next fetch it is told whether they are empty.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held: set[TP] = set()
        self.supplied: set[TP] = set()
        self.serial = 0
        self.asked: set[TP] = set()
        self._unadmitted: tuple[float, Exception] | None = None

    async def unadmitted(self) -> str | None:
        """What the brokers have not let us do lately, in words for a person; None when nothing."""
        try:
            error = await self._thread.unadmitted()
        except ConsumerNotStarted:
            return None
        if error is None and self._unadmitted is not None:
            at, before = self._unadmitted
            error = before if time.monotonic() - at < 10 * PATIENCE_S else None
        if error is None:
            return None
        what = "group" if isinstance(error, GroupAuthorizationFailedError) else "topic"
        named = ", ".join(str(one) for one in error.args)
        return (
            f"Kafka does not let us read {what} {named}: grant Read and Describe to this principal; records wait there"
        )

    @property
    def assignments(self) -> Assignments:
        return cast("Assignments", self.app.assignments)

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- seeking ---------------------------------------------------------------------------------

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """The database decides; Kafka's own commit is not even read."""
        partitions = sorted(self.assignment())
        if not partitions:
            return {}
        self.held.clear()
        self.supplied.clear()
        starts = await self.earliest_offsets(*partitions)
        ends = await self.highwaters(*partitions)
        offsets = await self.assignments.assigned(
            {TP(*tp): offset for tp, offset in starts.items()}, {TP(*tp): offset for tp, offset in ends.items()}
        )
        await self.seek_wait(offsets)
        self.serial += 1
        return offsets

    async def reseek(self, tp: TP, offset: int) -> int:
        """Continue one partition from `offset`; what is fetched from now on carries at least the returned serial."""
        await self.seek_wait({tp: offset})
        self._read_offset[tp] = offset
        self.serial += 1
        return self.serial

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        self.held.difference_update(revoked)
        self.supplied.difference_update(revoked)
        self.assignments.revoked(revoked)
        await super().on_partitions_revoked(revoked)

    def hold(self, tp: TP) -> None:
        """Stop fetching a partition until `release`."""
        self.held.add(tp)
        self.on_buffer_full(tp)

    def release(self, tp: TP) -> None:
        self.held.discard(tp)
        self.on_buffer_drop(tp)

    def used_up(self, tp: TP) -> None:
        """What was delivered of a back-fill partition has gone into its lane: fetch more."""
        self.supplied.discard(tp)
        self.on_buffer_drop(tp)

    def on_buffer_drop(self, tp: TP) -> None:
        if tp not in self.held | self.supplied:
            super().on_buffer_drop(tp)

    # -- committing to Kafka: what the database says, for lag tools only ----------------------------

    def _filter_tps_with_pending_acks(self, _: Any = None) -> Iterable[TP]:
        try:
            return cast("set[TP]", self.assignment())
        except ConsumerNotStarted:
            return ()

    def _new_offset(self, tp: TP) -> int | None:
        return self.assignments.committed(tp)

    # -- delivering ------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self.sleep(0)
                await self._drain_once()
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.transport.app.should_stop:
                raise
        except Exception:
            logger.exception("the fetch loop failed")
            raise
        finally:
            self.diag.unset_flag(CONSUMER_FETCHING)

    async def _drain_once(self) -> None:
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
            return
        if not self._get_active_partitions():
            await self.sleep(IDLE_S)
            return
        self.diag.set_flag(CONSUMER_FETCHING)
        # Both are read before the fetch: what a seek or a rebalance overtook must be known as such.
        generation, serial = self.app.consumer_generation_id, self.serial
        try:
            records, _ = await self._wait_next_records(POLL_S)
        except UNADMITTED as error:
            # A right that was taken away; what was read is stored, and the rest waits until somebody gives it back.
            self._unadmitted = time.monotonic(), error
            await self.sleep(PATIENCE_S)
            return
        for tp, found in (records or {}).items():
            if self.app.consumer_generation_id != generation or not await self._deliver(TP(*tp), found, serial):
                return
        while self.asked:
            await self._answer(self.asked.pop(), serial)

    async def _answer(self, tp: TP, serial: int) -> None:
        """Whether offsets up to the consumer's position hold no record: only here is no fetch under way.

        What was delivered and is stored equals what was read; a position beyond it was passed without a record.
        """
        read = self._read_offset.get(tp) or 0
        if tp in self.assignment() and self.assignments.committed(tp) == read:
            try:
                position = await self.position(tp)
            except driver.IllegalStateError:
                return  # revoked meanwhile
            if position is not None and position > read:
                await self.assignments.empty(tp, position, serial)

    async def _deliver(self, tp: TP, records: list[Any], serial: int) -> bool:
        """Hand one stretch to its agent; False when the flow was cut and the rest of the fetch must go."""
        if not self.flow_active:
            return False
        if tp in self.held or tp not in self.assignment():
            return True
        # Upstream forgets the position of a partition that was sought to 0. What is dropped here is never
        # fetched again without another seek, so nothing may be dropped on a mere doubt.
        position = self._read_offset.get(tp) or 0
        fresh = records if records[0].offset >= position else [r for r in records if r.offset >= position]
        if not fresh:
            return True
        if is_backfill(tp.topic):
            self.supplied.add(tp)
            self.on_buffer_full(tp)
        message = _message(tp, Stretch(TopicPartition(*tp), serial, fresh), self.app.consumer_generation_id)
        callback = asyncio.ensure_future(self.callback(message))
        result = await self.wait_first(callback, self.suspend_flow.wait())
        if callback not in result.done and not callback.done():
            # Cut by a rebalance (faust#229): the read position stays, so nothing is skipped.
            return False
        self._read_offset[tp] = fresh[-1].offset + 1
        return True


def _message(tp: TP, stretch: Stretch, generation: int) -> ConsumerMessage:
    last = stretch.records[-1]
    return ConsumerMessage(
        topic=tp.topic,
        partition=tp.partition,
        offset=last.offset,
        timestamp=last.timestamp / 1000,
        timestamp_type=None,
        headers=[],
        key=None,
        value=stretch,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        tp=tp,
        generation_id=generation,
    )


class BatchTransport(driver.Transport):
    """The aiokafka transport with our consumer."""

    Consumer = BatchConsumer


class NoWeb(BootStrategy):
    """Faust's own pages stay off, also when its command line asks for them: table data and routes are nobody's."""

    enable_web = False


class BatchApp(App):
    """A Faust app whose consumer delivers stretches and seeks where `assignments` says.

    `shell` is started before the agents and stopped after the consumer.
    """

    BootStrategy = NoWeb
    assignments: Assignments
    shell: Service

    async def on_first_start(self) -> None:
        await super().on_first_start()
        await self.shell.start()

    async def on_stop(self) -> None:
        await super().on_stop()
        await self.shell.stop()

    def _create_directories(self) -> None:
        """None: upstream makes folders for tables where the command was called, and there are no tables."""

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)
