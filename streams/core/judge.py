"""Which events are new: sequence numbers first, stored rows where numbers cannot tell (contract section 9.1)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.outcome import Outcome, Reason
from schemas.tables import RAW_BY_TYPE
from streams.core.batch import Batch, refuse
from streams.core.numbered import Numbered, Run
from streams.core.sequence import Seen, StreamChange, StreamKey, StreamState
from streams.core.writes import Probe


@dataclass(slots=True)
class Walk:
    """A batch's numbers taken in: `repeats` carry a number already seen, `unsure` must be looked up among stored rows."""

    seen: dict[StreamKey, Seen] = field(default_factory=dict)
    repeats: list[int] = field(default_factory=list)
    unsure: list[int] = field(default_factory=list)

    def changes(self) -> tuple[StreamChange, ...]:
        """The streams that grew, in the order of their ids (which is the order their rows are locked in)."""
        grown = [
            StreamChange(key, seen.before, after)
            for key, seen in self.seen.items()
            if (after := seen.state()).intervals != seen.before.intervals
        ]
        return tuple(sorted(grown, key=lambda change: change.key.stream_id))


def walk(found: Numbered, streams: Mapping[StreamKey, StreamState]) -> Walk:
    """Take every number into its stream."""
    result = Walk(unsure=found.unnumbered.tolist())
    for run in found.runs:
        seen = result.seen[run.key] = Seen(streams[run.key])
        if not (run.is_counting and seen.extend(int(run.numbers[0]), int(run.numbers[-1]))):
            _take_one_by_one(run, seen, result)
    result.repeats.sort()
    result.unsure.sort()
    return result


def _take_one_by_one(run: Run, seen: Seen, result: Walk) -> None:
    for position, number in zip(run.positions.tolist(), run.numbers.tolist(), strict=True):
        if seen.is_below_floor(number):
            result.unsure.append(position)
        elif not seen.add(number):
            result.repeats.append(position)


def probes(batch: Batch, walked: Walk) -> tuple[Probe, ...]:
    """The stored rows that decide the rest."""
    return tuple(_probe(batch, position) for position in (*walked.repeats, *walked.unsure))


def unnumbered_assets(batch: Batch, walked: Walk) -> frozenset[str]:
    """Assets whose look-ups two transactions must not make at the same time."""
    return frozenset(event.subject for i in walked.unsure if (event := batch.events[i]) is not None)


def conclude(batch: Batch, walked: Walk, stored: Collection[Probe]) -> dict[int, Outcome]:
    """Positions that are not accepted although well formed; conflicts become refusals of the batch.

    `stored` holds the probes that found their row. A repeat keeps id and time, in a batch as in the table:
    so where one batch ends and the next begins decides nothing.
    """
    outcomes: dict[int, Outcome] = {}
    repeats, doubted = set(walked.repeats), {*walked.repeats, *walked.unsure}
    accepted = set(stored)
    for position in _with_ids_of(batch, doubted):
        event = batch.events[position]
        if event is None:
            continue
        identity = _probe(batch, position)
        if position in doubted and identity in accepted:
            outcomes[position] = Outcome.DUPLICATE
        elif position in repeats:
            refuse(batch, position, Reason.SEQUENCE_CONFLICT, f"sequence {event.sequence} was another event's")
            outcomes[position] = Outcome.REJECTED
        else:
            accepted.add(identity)
    return outcomes


def _with_ids_of(batch: Batch, doubted: Collection[int]) -> list[int]:
    """Positions, in order, whose event id is that of a doubted one: no other can decide about it."""
    if not doubted:
        return []
    head = batch.head
    at = np.searchsorted(head.positions, np.fromiter(doubted, np.int64, len(doubted)))
    same = pc.is_in(head.ids, value_set=head.ids.take(pa.array(at)))
    return head.positions[np.flatnonzero(same.to_numpy(zero_copy_only=False))].tolist()  # type: ignore[no-any-return]


def _probe(batch: Batch, position: int) -> Probe:
    event = batch.events[position]
    assert event is not None  # noqa: S101  (the walk names only positions of events)
    table = RAW_BY_TYPE[event.type].name
    return Probe(table, event.subject, int(batch.times_us[position]), event.source, event.id)
