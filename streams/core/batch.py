"""A batch read: stretches of records as events and refusals, with their times, in one order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.backfill import stored_partition
from schemas.outcome import Reason
from schemas.signing import Gateways
from streams.core.decode import Decoder
from streams.core.domain import Limits
from streams.core.envelope import Event
from streams.core.head import Head
from streams.core.numbered import Numbered, numbered
from streams.core.record import Record, Stretch, TopicPartition
from streams.core.refusal import Refusal
from streams.core.times import is_time, microseconds

YEAR_2000_US: Final = 946_684_800_000_000
Forced = Mapping[tuple[TopicPartition, int], Refusal]
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Batch:
    """Records of all stretches one after the other; `events[i]` is None where `refusals` has position i.

    `head` holds the columns of every event that was well formed, also of those refused since; `noted` are the
    positions of those with something nobody knows. `partitions` are as rows have them (schemas/backfill.py).
    """

    stretches: tuple[Stretch, ...]
    records: Sequence[Record]
    events: list[Event | None]
    refusals: dict[int, Refusal]
    head: Head
    noted: Sequence[int]
    times_us: npt.NDArray[np.int64]
    appended_us: npt.NDArray[np.int64]
    partitions: npt.NDArray[np.int16]
    offsets: npt.NDArray[np.int64]

    def spans(self) -> list[tuple[Stretch, int, int]]:
        """Each stretch with the positions it covers."""
        ends = np.cumsum([len(stretch.records) for stretch in self.stretches]).tolist()
        return list(zip(self.stretches, [0, *ends[:-1]], ends, strict=True))

    @cached_property
    def numbered(self) -> Numbered:
        """Its numbered events by stream. Asked before anything is looked up: a conflict found later stays in its run."""
        return numbered(self.head, self.is_event()[self.head.positions])

    def is_live(self) -> npt.NDArray[np.bool_]:
        """Which positions are of an event topic, not of its back-fill."""
        return self.partitions >= 0

    def is_event(self) -> npt.NDArray[np.bool_]:
        """Which positions hold an event that is not refused."""
        mask = np.ones(len(self.records), dtype=bool)
        mask[list(self.refusals)] = False
        return mask


def read(stretches: Sequence[Stretch], decoder: Decoder, limits: Limits, forced: Forced) -> Batch:
    """Decode every record and judge what needs no state: form, then time. `forced` refuses records beforehand."""
    records = [record for stretch in stretches for record in stretch.records]
    decoded = decoder.decode(records)
    batch = Batch(
        stretches=tuple(stretches),
        records=records,
        events=decoded.events,
        refusals=decoded.refusals,
        head=decoded.head,
        noted=decoded.noted,
        times_us=np.zeros(len(records), dtype=np.int64),
        appended_us=np.array([record.timestamp for record in records], dtype=np.int64) * 1_000,
        partitions=np.repeat(
            np.array([stored_partition(*s.tp) for s in stretches], dtype=np.int16), [len(s.records) for s in stretches]
        ),
        offsets=np.array([record.offset for record in records], dtype=np.int64),
    )
    if limits.gateways is not None:
        _bind(batch, limits.gateways)
    _read_times(batch)
    _judge_times(batch, limits)
    _force(batch, forced)
    return batch


def refuse(batch: Batch, position: int, reason: Reason, detail: str) -> None:
    """Turn the event at `position` into a refusal."""
    event = batch.events[position]
    if event is not None:
        batch.refusals[position] = refusal_of(event, reason, detail)
        batch.events[position] = None


def refusal_of(event: Event, reason: Reason, detail: str) -> Refusal:
    """The refusal of an event that was well formed."""
    return Refusal(
        reason,
        detail,
        source=event.source,
        event_id=event.id,
        bootid=event.bootid,
        subject=event.subject,
        type=event.type,
        sequence=event.sequence if isinstance(event.sequence, int) else None,
    )


def _bind(batch: Batch, gateways: Gateways) -> None:
    """Refuse what says that it is from a source for which its sender may not speak. Bad data come after that."""
    for position, (record, event) in enumerate(zip(batch.records, batch.events, strict=True)):
        refusal = batch.refusals.get(position)
        source = event.source if event is not None else refusal.source if refusal is not None else None
        if source is None or (refusal is not None and refusal.reason is not Reason.INVALID_DATA):
            continue
        objection = gateways.objection(source, record.value, record.headers)
        if objection is None:
            continue
        if refusal is not None:
            batch.refusals[position] = replace(refusal, reason=Reason.SOURCE_REFUSED, detail=objection)
        else:
            refuse(batch, position, Reason.SOURCE_REFUSED, objection)


def _read_times(batch: Batch) -> None:
    """Event times; 0 where there is no event. Refuses what is no time, also in `recordedtime`."""
    head = batch.head
    values, bad = microseconds(head.times)
    batch.times_us[head.positions] = values
    _refuse_times(batch, bad, "time")
    if head.recorded.count(None) < len(head):
        recorded = [i for i, text in enumerate(head.recorded) if text is not None]
        _, bad = microseconds(pa.array([head.recorded[i] for i in recorded], pa.string()))
        _refuse_times(batch, (recorded[i] for i in bad), "recordedtime")


def _refuse_times(batch: Batch, indices: Iterator[int] | Sequence[int], name: str) -> None:
    for index in indices:
        position = int(batch.head.positions[index])
        event = batch.events[position]
        if event is not None and not is_time(getattr(event, name)):
            refuse(batch, position, Reason.INVALID_DATA, f"{name} {getattr(event, name)!r} is not RFC 3339 with offset")


def _judge_times(batch: Batch, limits: Limits) -> None:
    """Age and skew, against the broker's append time: lag or replay changes no outcome."""
    ahead = batch.times_us - batch.appended_us
    skewed = (ahead > limits.max_future // _MICROSECOND) | (batch.times_us < YEAR_2000_US)
    old = -ahead > limits.max_age // _MICROSECOND
    for position in np.flatnonzero(skewed).tolist():
        refuse(batch, position, Reason.CLOCK_SKEW, f"event time is {ahead[position] / 1e6:+.0f} s from append time")
    for position in np.flatnonzero(old & ~skewed).tolist():
        refuse(batch, position, Reason.TOO_OLD, f"event is {-ahead[position] / 1e6:.0f} s older than append time")


def _force(batch: Batch, forced: Forced) -> None:
    for stretch, start, _ in batch.spans() if forced else ():
        for index, record in enumerate(stretch.records):
            refusal = forced.get((stretch.tp, record.offset))
            if refusal is not None:
                refuse(batch, start + index, refusal.reason, refusal.detail)
