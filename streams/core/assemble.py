"""A judged batch to Writes: rows per table, rollup deltas, dead letters, counts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.identifiers import site_of
from schemas.outcome import Outcome, Reason
from schemas.tables import RAW_BY_TYPE
from streams.core.batch import Batch
from streams.core.columns import Accepted
from streams.core.domain import Domain
from streams.core.record import Stretch, TopicPartition
from streams.core.rollup import hour_deltas, minute_deltas
from streams.core.writes import DeadLetter, LostRange, Progress, Tally

Positions = npt.NDArray[np.int64]


def rows(domain: Domain, batch: Batch, positions: Positions) -> dict[str, pa.RecordBatch]:
    """The accepted events of a batch as rows, by raw table."""
    by_type: dict[str, list[int]] = {}
    for position in positions.tolist():
        by_type.setdefault(batch.events[position].type, []).append(position)
    made = {}
    for event_type, where in by_type.items():
        table = RAW_BY_TYPE[event_type]
        made[table.name] = domain.to_rows(event_type)(table, _accepted(batch, where))
    return made


def rollups(domain: Domain, made: Mapping[str, pa.RecordBatch]) -> dict[str, pa.Table]:
    """Minute and hour deltas, by rollup table."""
    deltas = {}
    for rollup in domain.rollups:
        minutes = minute_deltas(rollup, made)
        if minutes is not None:
            deltas[rollup.minute] = minutes
            deltas[rollup.hour] = hour_deltas(rollup, minutes)
    return deltas


def dead_letters(batch: Batch) -> tuple[DeadLetter, ...]:
    """Every refused record of the batch, in order."""
    letters: list[DeadLetter] = []
    for stretch, start, end in batch.spans() if batch.refusals else ():
        letters.extend(
            DeadLetter(stretch.tp, batch.records[i], batch.refusals[i])
            for i in range(start, end)
            if i in batch.refusals
        )
    return tuple(letters)


def lost_ranges(stretch: Stretch, expected: int, log_start: int) -> list[LostRange]:
    """Holes in the offsets of a stretch that continues from `expected`.

    What lies below the log's start was removed by retention; any other hole never was a record
    (a transaction marker, a compacted key).
    """
    offsets = [record.offset for record in stretch.records]
    lost = []
    if stretch.first > expected:
        kept = min(max(expected, log_start), stretch.first)
        lost.append(LostRange(stretch.tp, expected, kept, "retention"))
        lost.append(LostRange(stretch.tp, kept, stretch.first, "not_a_record"))
    if offsets and offsets[-1] - offsets[0] + 1 != len(offsets):
        lost.extend(LostRange(stretch.tp, a + 1, b, "not_a_record") for a, b in pairwise(offsets) if b != a + 1)
    return [gap for gap in lost if gap.end > gap.start]


def progress(
    batch: Batch,
    outcomes: Mapping[int, Outcome],
    fences: Mapping[TopicPartition, tuple[int, int]],
    lost: Iterable[LostRange],
) -> tuple[Progress, ...]:
    """One step per stretch; `fences` holds (expected offset, epoch) per partition."""
    missing: Counter[TopicPartition] = Counter()
    for gap in lost:
        missing[gap.tp] += gap.end - gap.start
    duplicates = np.array([i for i, outcome in outcomes.items() if outcome is Outcome.DUPLICATE], dtype=np.int64)
    refused = np.fromiter(batch.refusals, dtype=np.int64, count=len(batch.refusals))
    steps = []
    for stretch, start, end in batch.spans():
        expected, epoch = fences[stretch.tp]
        duplicate = _within(duplicates, start, end)
        rejected = _within(refused, start, end)
        accepted = end - start - duplicate - rejected
        steps.append(
            Progress(stretch.tp, expected, stretch.end, epoch, accepted, duplicate, rejected, missing[stretch.tp])
        )
    return tuple(sorted(steps, key=lambda step: step.tp))


def tally(batch: Batch, outcomes: Mapping[int, Outcome], accepted: int) -> Tally:
    """Records by outcome and reason."""
    counts: Tally = Counter()
    counts[Outcome.ACCEPTED, None] = accepted
    counts[Outcome.DUPLICATE, None] = sum(outcome is Outcome.DUPLICATE for outcome in outcomes.values())
    for refusal in batch.refusals.values():
        counts[Outcome.REJECTED, refusal.reason] += 1
    return +counts


def source_counts(batch: Batch, outcomes: Mapping[int, Outcome], positions: Positions) -> dict[str, tuple[int, int]]:
    """(accepted, duplicate) per source."""
    accepted = Counter(batch.events[i].source for i in positions.tolist())
    duplicate = Counter(
        event.source
        for i, outcome in outcomes.items()
        if outcome is Outcome.DUPLICATE and (event := batch.events[i]) is not None
    )
    return {source: (accepted[source], duplicate[source]) for source in sorted({*accepted, *duplicate})}


def assets(made: Iterable[pa.RecordBatch]) -> frozenset[tuple[str, str]]:
    """(asset id, site id) of all rows."""
    found: set[str] = set()
    for table in made:
        found.update(table.column(1).unique().to_pylist())
    return frozenset((asset, site_of(asset)) for asset in found)


def skew_by_source(batch: Batch) -> dict[str, float]:
    """The last event's time minus its append time, seconds, per source; events refused for skew included."""
    ahead = (batch.times_us - batch.appended_us) / 1e6
    last = {event.source: i for i, event in enumerate(batch.events) if event is not None}
    for i, refusal in batch.refusals.items():
        if refusal.reason is Reason.CLOCK_SKEW and refusal.source is not None:
            last[refusal.source] = max(i, last.get(refusal.source, i))
    return {source: float(ahead[i]) for source, i in last.items()}


def key_mismatches(batch: Batch) -> dict[str, int]:
    """Records per topic whose key is not their event's subject."""
    counts: Counter[str] = Counter()
    for stretch, start, end in batch.spans():
        pairs = zip(stretch.records, batch.events[start:end], strict=True)
        counts[stretch.tp.topic] += sum(e is not None and r.key != e.subject.encode() for r, e in pairs)
    return dict(+counts)


def unknown_fields(batch: Batch) -> int:
    """Events that carry data fields or attributes the schemas do not know."""
    return sum(e is not None and (e.extra is not None or e.has_unknown is not None) for e in batch.events)


def _accepted(batch: Batch, where: list[int]) -> Accepted:
    picked = np.array(where, dtype=np.int64)
    return Accepted(
        [event for i in where if (event := batch.events[i]) is not None],
        batch.times_us[picked],
        batch.partitions[picked],
        batch.offsets[picked],
    )


def _within(positions: Positions, start: int, end: int) -> int:
    return int(np.count_nonzero((positions >= start) & (positions < end)))
