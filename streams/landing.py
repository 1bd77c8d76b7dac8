"""Committing a ready batch whatever it takes: the failures that end by themselves, and those that do not.

Transient: again, until the partition is revoked. Stale stream states: judged again. One bad row: found by
halving, then a dead letter. Fenced: left to the owner. Unknown outcome of COMMIT: asked, never guessed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import perf_counter

import structlog

from schemas.outcome import Reason
from streams.core.batch import Forced
from streams.core.record import Stretch, TopicPartition
from streams.core.refusal import Refusal
from streams.core.writes import Pause, Writes
from streams.flow import Flow, Recorder
from streams.preparation import Preparation, Ready
from streams.retry import delays
from streams.store import CommitUnknownError, FencedError, StaleStreamsError, Store
from streams.tracing import batch_trace, tell_refused

log = structlog.get_logger()


class Landing:
    """Lands the batches of one lane, one at a time."""

    def __init__(self, preparation: Preparation, store: Store, flow: Flow, recorder: Recorder) -> None:
        self._preparation = preparation
        self._partitions = preparation.partitions
        self._store = store
        self._flow = flow
        self._recorder = recorder

    async def land(self, ready: Ready) -> bool:
        """Commit a batch; True when it went exactly as planned, so that what was built on it holds."""
        with batch_trace():
            return await self._land(ready)

    async def _land(self, ready: Ready) -> bool:
        for delay in delays():
            if self._preparation.is_stopping:
                return False
            if not self._is_ours(ready):
                return await self._again(ready.stretches, {})
            outcome = await self._try(ready, delay)
            if outcome is not None:
                return outcome
        raise AssertionError("delays end")

    async def _try(self, ready: Ready, delay: float) -> bool | None:
        """One transaction; None = the same again."""
        started = perf_counter()
        try:
            writes = await self._store.commit(ready.plan, ready.prepared)
        except FencedError as fenced:
            return await self._after_fence(ready, fenced.partitions)
        except StaleStreamsError:
            self._recorder.retried("stale_stream")
            self._preparation.forget()
            return await self._again(ready.stretches, {})
        except CommitUnknownError:
            self._recorder.retried("commit_unknown")
            return await self._after_unknown(ready)
        except Exception as error:  # noqa: BLE001  (told apart by the store; what it does not know is raised again)
            return await self._after_fault(ready, error, delay)
        self._landed(ready, writes, perf_counter() - started)
        return not writes.pauses

    async def _after_fault(self, ready: Ready, error: Exception, delay: float) -> bool | None:
        fault = self._store.fault_of(error)
        if fault == "crash":
            raise error
        # One record that takes too long is no matter of size: a stalled disk, or a person who cancelled the statement.
        if fault == "refused" or (fault == "halve" and _count(ready.stretches) > 1):
            return await self._in_halves(ready, error)
        await self._preparation.back_off(error, delay)
        return None

    def _landed(self, ready: Ready, writes: Writes, seconds: float) -> None:
        self._partitions.landed(writes.progress)
        self._partitions.passed(ready.stretches, writes)
        self._preparation.remember(writes)
        self._preparation.waits_for = None
        self._recorder.committed(writes, seconds)
        tell_refused(writes.dead_letters)
        self._hold(writes.pauses)

    def _hold(self, pauses: Sequence[Pause]) -> None:
        for pause in pauses:
            log.error("partition paused", topic=pause.tp.topic, partition=pause.tp.partition, why=pause.detail)
            self._partitions.pause(pause.tp)
            self._flow.hold(pause.tp)

    def _is_ours(self, ready: Ready) -> bool:
        return all(self._partitions.owns(tp, fence.epoch) for tp, fence in ready.fences.items())

    async def _again(self, stretches: list[Stretch], forced: Forced) -> bool:
        """Judge and commit once more, from where the store now stands."""
        ready = await self._preparation.prepare(stretches, None, forced)
        if ready is not None:
            await self._land(ready)
        else:
            self._preparation.waits_for = None  # nothing of it is ours any more
        return False

    async def _in_halves(self, ready: Ready, error: Exception) -> bool:
        """Commit the batch in two halves; a single record the database refuses becomes a dead letter."""
        cause = self._store.cause_of(error)
        self._recorder.retried(cause)
        records = _count(ready.stretches)
        if records > 1:
            for half in _halves(ready.stretches, records // 2):
                await self._again(half, {})
            return False
        if ready.forced or not records:
            raise error  # even its dead letter is refused
        only = next(stretch for stretch in ready.stretches if stretch.records)
        refusal = Refusal(Reason.STORAGE_REFUSED, f"{cause}: {error}")
        return await self._again(ready.stretches, {(only.tp, only.records[0].offset): refusal})

    async def _after_unknown(self, ready: Ready) -> bool | None:
        """What became of a COMMIT nobody answered: False when it is settled, None when it must be tried again."""
        where = await self._preparation.patiently(lambda: self._store.positions(ready.fences))
        heads = ready.heads
        if all(tp in where and where[tp].next_offset == heads[tp] for tp in heads):
            # It landed. Only the counters of a batch with look-ups are lost: what it wrote was not answered.
            self._preparation.forget()
            for tp, head in heads.items():
                self._partitions.moved(tp, head)
            written = ready.plan.writes(())  # poison is what it is, whatever the look-ups found
            self._partitions.passed(ready.stretches, written)
            if ready.prepared is not None:
                self._recorder.committed(written, 0.0)
            self._hold(ready.plan.pauses)
            return False
        moved = {tp for tp, f in ready.fences.items() if tp not in where or where[tp] != (f.expected, f.epoch)}
        return await self._after_fence(ready, moved) if moved else None

    async def _after_fence(self, ready: Ready, partitions: frozenset[TopicPartition] | set[TopicPartition]) -> bool:
        """Follow the store where the claim is still ours, else let go; then land what is left."""
        where = await self._preparation.patiently(lambda: self._store.positions(partitions))
        for tp in sorted(partitions):
            self._recorder.fenced(tp)
            position = where.get(tp)
            log.warning("fenced", topic=tp.topic, partition=tp.partition, stored=position)
            if position is not None and self._partitions.owns(tp, position.epoch):
                self._partitions.moved(tp, position.next_offset)
            elif self._partitions.owns(tp, ready.fences[tp].epoch):
                # Not when it was revoked or claimed anew meanwhile: then the batch is old, not the claim.
                self._partitions.drop([tp])
                self._flow.hold(tp)
        return await self._again(ready.stretches, {})


def _count(stretches: Iterable[Stretch]) -> int:
    return sum(len(stretch.records) for stretch in stretches)


def _halves(stretches: Sequence[Stretch], middle: int) -> tuple[list[Stretch], list[Stretch]]:
    first, second = [], []
    for stretch in stretches:
        cut = max(0, min(len(stretch.records), middle))
        middle -= cut
        if cut:
            first.append(replace(stretch, records=stretch.records[:cut]))
        if cut < len(stretch.records) or not stretch.records:
            second.append(replace(stretch, records=stretch.records[cut:]))
    return first, second
