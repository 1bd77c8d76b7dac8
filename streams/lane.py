"""One domain's records in order: one transaction in flight, the next batch prepared meanwhile."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, perf_counter

import structlog

from schemas.backfill import SUFFIX
from streams.buffer import BATCH_BYTES, Buffer
from streams.core.record import Stretch, TopicPartition
from streams.flow import Crash, Flow, Recorder
from streams.landing import Landing
from streams.pipeline import Fence, Pipeline
from streams.preparation import Preparation, Ready
from streams.store import Store

log = structlog.get_logger()
QUIET_S = 5.0
_AHEAD_SHARE = 4  # a quarter of a batch is worth preparing while another is in flight


@dataclass(frozen=True, slots=True)
class Pace:
    """Rows or milliseconds, whichever comes first: batch size sets cost, linger sets latency."""

    batch_rows: int = 10_000
    linger: timedelta = timedelta(milliseconds=5)


class Lane:
    """The shell around one domain's pipeline. `offer` takes records in; `run` runs until `stop`.

    No exception leaves a lane: what nobody foresaw goes to `crash`, which ends the process.
    """

    def __init__(
        self, pipeline: Pipeline, store: Store, flow: Flow, recorder: Recorder, pace: Pace, crash: Crash
    ) -> None:
        self.name = pipeline.domain.name
        self.topics = (pipeline.domain.topic, pipeline.domain.topic + SUFFIX)
        self._flow = flow
        self._pace = pace
        self._crash = crash
        self._buffer = Buffer(2 * pace.batch_rows)
        self._preparation = Preparation(pipeline, store, flow, recorder)
        self._landing = Landing(self._preparation, store, flow, recorder)
        self.partitions = self._preparation.partitions
        self._flight: asyncio.Task[bool] | None = None
        self._ahead: Ready | None = None
        self._is_turning = False
        self.flight_s = 0.0
        self._live_at = -QUIET_S

    async def offer(self, stretch: Stretch) -> None:
        """Take a stretch in; waits while the lane is full, which pauses its partition upstream."""
        self._live_at = monotonic()
        await self._buffer.put(stretch)

    async def offer_history(self, stretch: Stretch) -> None:
        """Take a piece of history in; waits while the last one is not taken."""
        await self._buffer.wait_for_no_history()
        await self._buffer.put(stretch)

    def claim(self, fences: Mapping[TopicPartition, Fence], paused: Iterable[TopicPartition]) -> None:
        """These partitions are ours; `paused` ones stay on hold."""
        self.partitions.claim(fences)
        for tp in paused:
            self.partitions.pause(tp)
            self._flow.hold(tp)

    def revoke(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are not ours any more: what is held of them is dropped unwritten."""
        self.partitions.drop(partitions)

    async def resume(self, tp: TopicPartition) -> None:
        """Go on with a partition the dead-letter bound had stopped."""
        self.partitions.resume(tp)
        await self._buffer.drop([tp])
        self._flow.release(tp)
        if (head := self.partitions.heads().get(tp)) is not None:
            await self._preparation.seek(tp, head)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held, prepared or in flight."""
        return not len(self._buffer) and not self._is_turning and (self._flight is None or self._flight.done())

    @property
    def waits_for(self) -> str | None:
        """Why the database took nothing at the last try, until it takes something again."""
        return self._preparation.waits_for

    @property
    def is_behind(self) -> bool:
        """Whether more waits than a transaction in flight explains."""
        return len(self._buffer) >= max(1, self._pace.batch_rows // _AHEAD_SHARE)

    @property
    def is_quiet(self) -> bool:
        """Whether no live record has come for a while."""
        return monotonic() - self._live_at > QUIET_S

    async def pass_over(self, tp: TopicPartition, end: int, serial: int) -> None:
        """The consumer stands at `end` and found no record before it: believe it once it was sought to our head."""
        head = self.partitions.heads().get(tp)
        if head is None or tp in self.partitions.paused or head >= end:
            return
        if self.partitions.was_sought(tp, head, serial):
            await self.offer(Stretch(tp, serial, (), end))
        else:
            await self._preparation.seek(tp, head)

    async def stop(self) -> None:
        """Let the transaction in flight end and start no other."""
        self._preparation.is_stopping = True
        if self._flight is not None:
            await asyncio.wait([self._flight])

    async def run(self) -> None:
        """Take, prepare, land; prepare the next while one is landing."""
        try:
            while not self._preparation.is_stopping:
                stretches = await self._take()
                self._is_turning = True
                await self._turn(stretches)
                self._is_turning = False
        except Exception as error:  # noqa: BLE001  (this is where the unforeseen ends)
            self._end(error)

    def _end(self, error: Exception) -> None:
        """A failure while stopping is one the next start mends; any other ends the process."""
        if not self._preparation.is_stopping:
            self._crash(error)
        log.warning("stopped with an open batch, it will be read again", lane=self.name, error=repr(error))

    async def _turn(self, stretches: list[Stretch]) -> None:
        ready = await self._preparation.prepare(stretches, await self._in_flight(), {})
        if self._flight is not None and not await self._flight:
            # What it was built on did not land as planned.
            ready = await self._preparation.prepare(stretches, None, {})
        self._flight = None
        if ready is not None:
            self._ahead = ready
            self._flight = asyncio.create_task(self._land(ready), name=f"land-{self.name}")

    async def _in_flight(self) -> Ready | None:
        """The batch to build on; one with poison is waited for, the dead-letter bound must have counted it."""
        if self._flight is None or self._flight.done() or self._ahead is None:
            return None
        if self._ahead.has_poison:
            await asyncio.wait([self._flight])
            return None
        return self._ahead

    async def _land(self, ready: Ready) -> bool:
        started = perf_counter()
        try:
            return await self._landing.land(ready)
        except Exception as error:  # noqa: BLE001  (this is where the unforeseen ends)
            self._end(error)
            return False
        finally:
            self.flight_s = perf_counter() - started

    async def _take(self) -> list[Stretch]:
        """What has come: little and soon when nothing is in flight, much when it is behind.

        While a transaction is in flight a small batch waits for its end, and so grows with the load; only one worth
        preparing beside it is taken before.
        """
        await self._buffer.wait_for_records(1)
        worth = max(1, self._pace.batch_rows // _AHEAD_SHARE)
        full = asyncio.create_task(self._buffer.wait_for_records(worth, BATCH_BYTES // _AHEAD_SHARE))
        try:
            await asyncio.wait([full], timeout=self._pace.linger.total_seconds())
            if self._flight is not None:
                await asyncio.wait([full, self._flight], return_when=asyncio.FIRST_COMPLETED)
        finally:
            full.cancel()
        return await self._buffer.take(self._pace.batch_rows)
