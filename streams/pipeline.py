"""The story in one screen: records of a domain in, Writes out. Pure; the shell around it is streams/lane.py.

read (decode, judge form and time) → hold (dead-letter bound) → walk (sequence numbers) → probe (stored
rows, only where numbers cannot tell) → assemble (rows, rollups, dead letters, counts).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from schemas.outcome import POISON
from streams.core import assemble
from streams.core.batch import Batch, Forced, read
from streams.core.bound import Bound
from streams.core.clear_names import withhold
from streams.core.decode import Decoder
from streams.core.domain import Domain, Limits
from streams.core.judge import conclude, probes, unnumbered_assets, walk
from streams.core.record import Stretch, TopicPartition
from streams.core.sequence import StreamChange, StreamKey, StreamState
from streams.core.writes import Pause, Probe, Writes
from streams.facts.marks import Memory, clocks_of, marks_of


@dataclass(frozen=True, slots=True)
class Fence:
    """Where a partition stands: the offset its next record must have, the claim's epoch, the log's start if known."""

    expected: int
    epoch: int
    log_start: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch ready for its transaction. With no probes, `writes` needs nothing and may run beforehand.

    `changes` hold whatever the probes find: only new numbers change a stream.
    """

    probes: tuple[Probe, ...]
    locks: frozenset[str]
    changes: tuple[StreamChange, ...]
    pauses: tuple[Pause, ...]
    writes: Callable[[Collection[Probe]], Writes]


class Pipeline:
    """One domain's pure part. Holds no state but caches: good subjects, and where each crane's samples ended."""

    def __init__(self, domain: Domain, limits: Limits) -> None:
        self.domain = domain
        self.limits = limits
        self._decoder = Decoder(domain.models, limits.max_record_bytes)
        self._memory = Memory()

    def read(self, stretches: Sequence[Stretch], forced: Forced) -> Batch:
        """Decode and judge what needs no state."""
        return read(stretches, self._decoder, self.limits, forced)

    def hold(self, stretches: Sequence[Stretch], batch: Batch, bounds: Mapping[TopicPartition, Bound]) -> "Held":
        """Where the dead-letter bound is crossed: the shorter stretches, and the partitions to pause."""
        poison = [i for i, refusal in batch.refusals.items() if refusal.reason in POISON]
        pauses, kept = [], []
        for stretch, start, end in batch.spans():
            inside = sorted(i - start for i in poison if start <= i < end)
            cut = bounds[stretch.tp].crossing(inside)
            kept.append(stretch if cut is None else replace(stretch, records=stretch.records[:cut]))
            if cut is not None:
                pauses.append(Pause(stretch.tp, _why(batch, start + cut - 1)))
        return Held(
            tuple(kept),
            tuple(pauses),
            is_cut=any(len(k.records) < len(s.records) for k, s in zip(kept, stretches, strict=True)),
        )

    def streams(self, batch: Batch) -> set[StreamKey]:
        """The numbered streams whose states `plan` needs."""
        return {run.key for run in batch.numbered.runs}

    def plan(
        self,
        batch: Batch,
        streams: Mapping[StreamKey, StreamState],
        fences: Mapping[TopicPartition, Fence],
        pauses: tuple[Pause, ...] = (),
    ) -> Plan:
        """Judge the batch against the streams' states; the rest waits for the probes."""
        walked = walk(batch.numbered, streams)
        changes = walked.changes()

        def writes(stored: Collection[Probe]) -> Writes:
            outcomes = conclude(batch, walked, stored)
            accepted = batch.is_event()
            accepted[list(outcomes)] = False
            rows, clear_names = withhold(assemble.rows(self.domain, batch, accepted), self.limits.pseudonyms_only)
            lost = tuple(
                gap
                for stretch in batch.stretches
                for gap in assemble.lost_ranges(stretch, fences[stretch.tp].expected, fences[stretch.tp].log_start)
            )
            steps = {tp: (fence.expected, fence.epoch) for tp, fence in fences.items()}
            mismatches = assemble.key_mismatches(batch)
            # A crane whose records lie in several partitions has other workers: what we saw of it last tells nothing.
            known = self._memory.tails({tp: fence.epoch for tp, fence in fences.items()}) if not mismatches else {}
            marked = marks_of(rows, known)
            self._memory.learn(marked.tails)
            return Writes(
                domain=self.domain.name,
                progress=assemble.progress(batch, outcomes, steps, lost),
                rows=rows,
                rollups=assemble.rollups(self.domain, rows),
                streams=changes,
                marks=(*marked.marks, *clocks_of(rows)),
                dead_letters=assemble.dead_letters(batch),
                lost=lost,
                pauses=pauses,
                assets=assemble.assets(rows.values()),
                sources=assemble.source_counts(batch, outcomes, accepted),
                tally=assemble.tally(batch, outcomes, int(np.count_nonzero(accepted))),
                accepted_us=batch.times_us[accepted & batch.is_live()],
                skew_s=assemble.skew_by_source(batch),
                unknown_fields=assemble.unknown_fields(batch),
                strange=self.domain.strange(rows) if self.domain.strange else {},
                clear_names=clear_names,
                key_mismatches=mismatches,
            )

        return Plan(probes(batch, walked), unnumbered_assets(batch, walked), changes, pauses, writes)


@dataclass(frozen=True, slots=True)
class Held:
    """What the dead-letter bound lets pass."""

    stretches: tuple[Stretch, ...]
    pauses: tuple[Pause, ...]
    is_cut: bool


def _why(batch: Batch, position: int) -> str:
    refusal = batch.refusals[position]
    return f"too many dead letters, the last at offset {batch.offsets[position]}: {refusal.reason}, {refusal.detail}"
