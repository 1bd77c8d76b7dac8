"""From stretches to a batch ready for its transaction: what fits, decoded, judged, encoded. Writes nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import structlog

from schemas.outcome import POISON
from streams.core.batch import Batch, Forced
from streams.core.record import Stretch, TopicPartition
from streams.core.sequence import StreamKey, StreamState
from streams.core.writes import Pause, Writes
from streams.flow import Flow, Recorder
from streams.partitions import Partitions
from streams.pipeline import Fence, Pipeline, Plan
from streams.retry import delays
from streams.store import Store

log = structlog.get_logger()
T = TypeVar("T")
_INLINE_RECORDS = 500
_STREAMS_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class Ready:
    """A batch prepared on the fences (with epochs) and stream states that precede it."""

    stretches: list[Stretch]
    fences: dict[TopicPartition, Fence]
    plan: Plan
    prepared: Any
    has_poison: bool
    forced: Forced

    @property
    def heads(self) -> dict[TopicPartition, int]:
        """Where its partitions will stand."""
        return {s.tp: s.end for s in self.stretches}

    @property
    def states(self) -> dict[StreamKey, StreamState]:
        """Stream states as it will leave them."""
        return {change.key: change.after for change in self.plan.changes}


class Preparation:
    """Builds batches for one lane; remembers stream states that the store confirmed."""

    def __init__(self, pipeline: Pipeline, store: Store, flow: Flow, recorder: Recorder) -> None:
        self._pipeline = pipeline
        self._store = store
        self._flow = flow
        self._recorder = recorder
        self._remembered: dict[StreamKey, StreamState] = {}
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=f"lane-{pipeline.domain.name}")
        self.partitions = Partitions(pipeline.limits)
        self.is_stopping = False
        self.waits_for: str | None = None

    async def prepare(self, stretches: list[Stretch], ahead: Ready | None, forced: Forced) -> Ready | None:
        """A batch of what follows the store's offsets, or those `ahead` will leave; None when nothing does."""
        heads = self.partitions.heads()
        heads.update({tp: head for tp, head in (ahead.heads if ahead else {}).items() if tp in heads})
        before = dict(heads)
        fitting, misfits = self.partitions.fit(stretches, heads)
        # Before anything is awaited: a partition may be revoked meanwhile, and then the fence refuses.
        fences = {s.tp: self.partitions.fence(s.tp, before[s.tp]) for s in fitting}
        for misfit in misfits:
            await self.seek(misfit.tp, misfit.offset)
        if not fitting:
            return None
        return await self._build(fitting, fences, ahead.states if ahead else {}, forced)

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """Have the consumer continue from `offset`."""
        log.info("seeking", topic=tp.topic, partition=tp.partition, offset=offset)
        serial = await self._flow.reseek(tp, offset)
        self.partitions.sought(tp, offset, serial)

    def remember(self, writes: Writes) -> None:
        """The store confirmed these states."""
        if len(self._remembered) > _STREAMS_REMEMBERED:
            self._remembered.clear()
        self._remembered.update((change.key, change.after) for change in writes.streams)

    def forget(self) -> None:
        """The store may know better: load states again."""
        self._remembered.clear()

    async def patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, again and again while the database is away."""
        for delay in delays():
            try:
                done = await work()
            except Exception as error:
                if self.is_stopping or self._store.fault_of(error) != "retry":
                    raise
                await self.back_off(error, delay)
            else:
                self.waits_for = None
                return done
        raise AssertionError("delays end")

    async def back_off(self, error: Exception, delay: float) -> None:
        """Count and tell a try that failed, and wait. Until a try succeeds, `waits_for` has the cause."""
        self.waits_for = cause = self._store.cause_of(error)
        self._recorder.retried(cause)
        name = self._pipeline.domain.name
        log.warning(
            "transaction failed, trying again", lane=name, cause=cause, error=repr(error), wait_s=round(delay, 2)
        )
        await asyncio.sleep(delay)

    async def _build(
        self,
        stretches: list[Stretch],
        fences: dict[TopicPartition, Fence],
        tentative: Mapping[StreamKey, StreamState],
        forced: Forced,
    ) -> Ready:
        for stretch in stretches:
            if stretch.first > fences[stretch.tp].expected:
                log_start = await self._flow.log_start(stretch.tp)
                fences[stretch.tp] = replace(fences[stretch.tp], log_start=log_start)
        batch = await self._work(stretches, lambda: self._pipeline.read(stretches, forced))
        held = self._pipeline.hold(stretches, batch, self.partitions.bounds)
        if held.is_cut:
            stretches = list(held.stretches)
            batch = await self._work(stretches, lambda: self._pipeline.read(stretches, forced))
        states = await self._states(self._pipeline.streams(batch), tentative)
        return await self._work(stretches, lambda: self._planned(stretches, batch, states, fences, held.pauses, forced))

    def _planned(
        self,
        stretches: list[Stretch],
        batch: Batch,
        states: Mapping[StreamKey, StreamState],
        fences: dict[TopicPartition, Fence],
        pauses: tuple[Pause, ...],
        forced: Forced,
    ) -> Ready:
        has_poison = any(refusal.reason in POISON for refusal in batch.refusals.values())
        plan = self._pipeline.plan(batch, states, fences, pauses)
        prepared = None if plan.probes else self._store.prepare(plan.writes(()))
        return Ready(stretches, fences, plan, prepared, has_poison, forced)

    async def _work(self, stretches: list[Stretch], work: Callable[[], T]) -> T:
        """Small batches at once, large ones in a thread, so that a transaction in flight is not kept waiting."""
        if sum(len(stretch.records) for stretch in stretches) <= _INLINE_RECORDS:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _states(
        self, keys: set[StreamKey], tentative: Mapping[StreamKey, StreamState]
    ) -> dict[StreamKey, StreamState]:
        """States of streams: as the batch ahead will leave them, else remembered, else loaded."""
        states = {key: s for key in keys if (s := tentative.get(key) or self._remembered.get(key)) is not None}
        missing = keys - states.keys()
        if missing:
            states.update(await self.patiently(lambda: self._store.streams(missing)))
        return states
