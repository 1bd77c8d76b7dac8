"""Where each assigned partition of a lane stands, and which stretch may follow: offsets alone decide."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from schemas.outcome import POISON
from streams.core.bound import Bound
from streams.core.domain import Limits
from streams.core.record import Stretch, TopicPartition
from streams.core.writes import Progress, Writes
from streams.pipeline import Fence


class Misfit(NamedTuple):
    """A stretch that starts beyond the offset that must follow: continue from `offset` once, then believe it."""

    tp: TopicPartition
    offset: int


class Partitions:
    """Fences as the store confirmed them, and which partitions the dead-letter bound holds."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._fences: dict[TopicPartition, Fence] = {}
        self._sought: dict[TopicPartition, tuple[int, int]] = {}
        self.bounds: dict[TopicPartition, Bound] = {}
        self.paused: set[TopicPartition] = set()
        self.appended_s: dict[TopicPartition, float] = {}

    def claim(self, fences: Mapping[TopicPartition, Fence]) -> None:
        """These partitions are ours from now on."""
        for tp, fence in fences.items():
            self._fences[tp] = fence
            self.bounds[tp] = Bound(self._limits)
            self._sought.pop(tp, None)

    def drop(self, partitions: Iterable[TopicPartition]) -> None:
        """These are not ours any more."""
        for tp in partitions:
            self._fences.pop(tp, None)
            self.paused.discard(tp)

    def heads(self) -> dict[TopicPartition, int]:
        """The next offset of every partition, as the store has it."""
        return {tp: fence.expected for tp, fence in self._fences.items()}

    def fence(self, tp: TopicPartition, expected: int) -> Fence:
        """The fence of a partition as it will stand at `expected`."""
        return replace(self._fences[tp], expected=expected)

    def pause(self, tp: TopicPartition) -> None:
        """The dead-letter bound holds this partition."""
        self.paused.add(tp)

    def resume(self, tp: TopicPartition) -> None:
        """Lift the hold; the bound starts afresh."""
        self.paused.discard(tp)
        self.bounds[tp] = Bound(self._limits)

    def passed(self, stretches: Iterable[Stretch], writes: Writes) -> None:
        """Let the dead-letter bounds count what landed, and note the append time it reached (`appended_s`)."""
        self.appended_s.update((s.tp, s.records[-1].timestamp / 1_000) for s in stretches if s.records)
        poison = {(d.tp, d.record.offset) for d in writes.dead_letters if d.refusal.reason in POISON}
        for stretch in stretches:
            inside = (
                [i for i, record in enumerate(stretch.records) if (stretch.tp, record.offset) in poison]
                if poison
                else []
            )
            self.bounds[stretch.tp].passed(len(stretch.records), inside)

    def owns(self, tp: TopicPartition, epoch: int) -> bool:
        """Whether the claim of that epoch still stands."""
        fence = self._fences.get(tp)
        return fence is not None and fence.epoch == epoch

    def all(self) -> dict[TopicPartition, Fence]:
        return dict(self._fences)

    def fit(self, stretches: Iterable[Stretch], heads: dict[TopicPartition, int]) -> tuple[list[Stretch], list[Misfit]]:
        """What of `stretches` follows `heads`, one stretch per partition; `heads` moves along with it.

        Records already taken are left out. A stretch that leaves a hole is believed only when it was
        fetched after a seek to that very offset: otherwise a seek or a rebalance overtook it.
        """
        fitting: dict[TopicPartition, Stretch] = {}
        misfits: dict[TopicPartition, Misfit] = {}
        for stretch in stretches:
            tp = stretch.tp
            if tp not in self._fences or tp in self.paused or tp in misfits:
                continue
            head = heads[tp]
            if stretch.end <= head:
                continue
            records = stretch.records
            if stretch.first < head:
                records = [record for record in records if record.offset >= head]
            if (records[0].offset if records else stretch.end) > head and not self.was_sought(tp, head, stretch.serial):
                misfits[tp] = Misfit(tp, head)
                continue
            before = fitting.get(tp)
            joined = records if before is None else [*before.records, *records]
            fitting[tp] = replace(stretch, records=joined)
            heads[tp] = fitting[tp].end
        return list(fitting.values()), list(misfits.values())

    def sought(self, tp: TopicPartition, offset: int, serial: int) -> None:
        """The consumer was told to continue from `offset`; later fetches carry at least `serial`."""
        self._sought[tp] = (offset, serial)

    def was_sought(self, tp: TopicPartition, head: int, serial: int) -> bool:
        """Whether what carries `serial` was fetched after a seek to `head`."""
        offset, since = self._sought.get(tp, (-1, 0))
        return offset == head and serial >= since

    def landed(self, progress: Iterable[Progress]) -> None:
        """The store took these steps."""
        for step in progress:
            if self.owns(step.tp, step.epoch):
                self._fences[step.tp] = replace(self._fences[step.tp], expected=step.next_offset)

    def moved(self, tp: TopicPartition, expected: int) -> None:
        """The store says the partition stands elsewhere under the same epoch."""
        if tp in self._fences:
            self._fences[tp] = replace(self._fences[tp], expected=expected)
