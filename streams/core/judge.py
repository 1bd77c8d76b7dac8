"""Which events are new: sequence numbers first, stored rows where numbers cannot tell (contract section 9.1)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from schemas.outcome import Outcome, Reason
from schemas.tables import RAW_BY_TYPE
from streams.core.batch import Batch, refuse
from streams.core.envelope import Event
from streams.core.sequence import Seen, StreamChange, StreamKey, StreamState
from streams.core.writes import Probe


def stream_key(event: Event) -> StreamKey | None:
    """The numbered stream of an event, or None: a sequence counts only together with a boot id."""
    if event.bootid is None or event.sequence is None:
        return None
    return StreamKey(event.source, event.bootid, event.subject, event.type)


@dataclass(slots=True)
class Walk:
    """A batch walked in order: `repeats` carry a number already seen, `unsure` must be looked up among stored rows."""

    seen: dict[tuple[str, str, str, str], Seen] = field(default_factory=dict)
    repeats: list[int] = field(default_factory=list)
    unsure: list[int] = field(default_factory=list)

    def changes(self) -> tuple[StreamChange, ...]:
        """The streams that grew, in the order of their ids (which is the order their rows are locked in)."""
        grown = [
            StreamChange(StreamKey(*key), seen.before, after)
            for key, seen in self.seen.items()
            if (after := seen.state()).intervals != seen.before.intervals
        ]
        return tuple(sorted(grown, key=lambda change: change.key.stream_id))


def stream_keys(batch: Batch) -> set[StreamKey]:
    """The numbered streams of a batch: their states are needed before `walk`."""
    found = {
        (e.source, e.bootid, e.subject, e.type)
        for e in batch.events
        if e is not None and e.bootid is not None and e.sequence is not None
    }
    return {StreamKey(*key) for key in found}


def walk(batch: Batch, streams: Mapping[StreamKey, StreamState]) -> Walk:
    """Take every number of the batch into its stream."""
    result = Walk()
    seen = result.seen = {key: Seen(state) for key, state in streams.items()}
    for position, event in enumerate(batch.events):
        if event is None:
            continue
        number = event.sequence
        if event.bootid is None or number is None:
            result.unsure.append(position)
            continue
        stream = seen[event.source, event.bootid, event.subject, event.type]
        if stream.is_below_floor(number):  # type: ignore[arg-type]
            result.unsure.append(position)
        elif not stream.add(number):  # type: ignore[arg-type]
            result.repeats.append(position)
    return result


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
    if not walked.repeats and not walked.unsure:
        return outcomes
    repeats, unsure = set(walked.repeats), set(walked.unsure)
    accepted = set(stored)
    for position, event in enumerate(batch.events):
        if event is None:
            continue
        identity = _probe(batch, position)
        if position in repeats or position in unsure:
            if identity in accepted:
                outcomes[position] = Outcome.DUPLICATE
                continue
            if position in repeats:
                refuse(batch, position, Reason.SEQUENCE_CONFLICT, f"sequence {event.sequence} was another event's")
                outcomes[position] = Outcome.REJECTED
                continue
        accepted.add(identity)
    return outcomes


def _probe(batch: Batch, position: int) -> Probe:
    event = batch.events[position]
    assert event is not None  # noqa: S101  (the walk names only positions of events)
    table = RAW_BY_TYPE[event.type].name
    return Probe(table, event.subject, int(batch.times_us[position]), event.source, event.id)
