"""A judged batch to Writes: rows per table, rollup deltas, dead letters, counts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.identifiers import site_of
from schemas.outcome import Outcome, Reason
from schemas.tables import RAW_BY_TYPE
from streams.core.accepted import accepted_events
from streams.core.batch import Batch
from streams.core.domain import Domain
from streams.core.record import Stretch, TopicPartition
from streams.core.rollup import minute_deltas
from streams.core.writes import DeadLetter, LostRange, Progress, Tally

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def rows(domain: Domain, batch: Batch, mask: Mask) -> dict[str, pa.RecordBatch]:
    """The accepted events of a batch (`mask` by position) as rows, by raw table."""
    made = {}
    is_accepted = mask[batch.head.positions]
    for kind, indices in batch.head.by_kind():
        where = indices[is_accepted[indices]]
        if len(where):
            event_type = str(kind.__struct_config__.tag)
            table = RAW_BY_TYPE[event_type]
            made[table.name] = domain.to_rows(event_type)(table, accepted_events(batch, where))
    return made


def rollups(domain: Domain, made: Mapping[str, pa.RecordBatch]) -> dict[str, pa.Table]:
    """Minute deltas, by minute table."""
    deltas = {}
    for rollup in domain.rollups:
        minutes = minute_deltas(rollup, made)
        if minutes is not None:
            deltas[rollup.minute] = minutes
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


def source_counts(batch: Batch, outcomes: Mapping[int, Outcome], mask: Mask) -> dict[str, tuple[int, int]]:
    """(accepted, duplicate) per source."""
    source, positions = batch.head.source, batch.head.positions
    repeated = np.zeros(len(batch.records), dtype=bool)
    repeated[[i for i, outcome in outcomes.items() if outcome is Outcome.DUPLICATE]] = True
    accepted, duplicate = (
        np.bincount(source.codes[which[positions]], minlength=len(source.words)).tolist() for which in (mask, repeated)
    )
    counts = zip(source.words, accepted, duplicate, strict=True)
    return {word: (new, old) for word, new, old in sorted(counts) if new or old}


def assets(made: Iterable[pa.RecordBatch]) -> frozenset[tuple[str, str]]:
    """(asset id, site id) of all rows."""
    found: set[str] = set()
    for table in made:
        found.update(table.column(1).unique().to_pylist())
    return frozenset((asset, site_of(asset)) for asset in found)


def skew_by_source(batch: Batch) -> dict[str, float]:
    """The last live event's time minus its append time, seconds, per source; events refused for skew included."""
    head = batch.head
    kept = batch.is_event()
    kept[[i for i, refusal in batch.refusals.items() if refusal.reason is Reason.CLOCK_SKEW]] = True
    kept &= batch.is_live()
    indices = np.flatnonzero(kept[head.positions])
    last = np.full(len(head.source.words), -1, dtype=np.int64)
    np.maximum.at(last, head.source.codes[indices], head.positions[indices])
    ahead = (batch.times_us - batch.appended_us) / 1e6
    return {word: float(ahead[i]) for word, i in zip(head.source.words, last.tolist(), strict=True) if i >= 0}


def key_mismatches(batch: Batch) -> dict[str, int]:
    """Records per topic whose key is not their event's subject."""
    head, keys = batch.head, [record.key for record in batch.records]
    if len(head) < len(keys):
        keys = [keys[i] for i in head.positions.tolist()]
    equal = pc.equal(pa.array(keys, pa.binary()), head.subject.texts.cast(pa.binary()))
    wrong = batch.is_event()
    wrong[head.positions[np.flatnonzero(equal.fill_null(False).to_numpy(zero_copy_only=False))]] = False
    counts: Counter[str] = Counter()
    for stretch, start, end in batch.spans() if wrong.any() else ():
        counts[stretch.tp.topic] += int(np.count_nonzero(wrong[start:end]))
    return dict(+counts)


def unknown_fields(batch: Batch) -> int:
    """Events that carry data fields or attributes the schemas do not know."""
    return sum(batch.events[i] is not None for i in batch.noted)


def _within(positions: Positions, start: int, end: int) -> int:
    return int(np.count_nonzero((positions >= start) & (positions < end)))
