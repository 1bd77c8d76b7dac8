"""A batch read: stretches of records as events and refusals, with their times, in one order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.outcome import Reason
from streams.core.decode import Decoder
from streams.core.domain import Limits
from streams.core.envelope import Event
from streams.core.record import Record, Stretch, TopicPartition
from streams.core.refusal import Refusal
from streams.core.times import is_time, microseconds

YEAR_2000_US: Final = 946_684_800_000_000
Forced = Mapping[tuple[TopicPartition, int], Refusal]


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of all stretches one after the other; `events[i]` is None where `refusals` has position i."""

    stretches: tuple[Stretch, ...]
    records: Sequence[Record]
    events: list[Event | None]
    refusals: dict[int, Refusal]
    times_us: npt.NDArray[np.int64]
    appended_us: npt.NDArray[np.int64]
    partitions: npt.NDArray[np.int16]
    offsets: npt.NDArray[np.int64]

    def spans(self) -> list[tuple[Stretch, int, int]]:
        """Each stretch with the positions it covers."""
        ends = np.cumsum([len(stretch.records) for stretch in self.stretches]).tolist()
        return list(zip(self.stretches, [0, *ends[:-1]], ends, strict=True))


def read(stretches: Sequence[Stretch], decoder: Decoder, limits: Limits, forced: Forced) -> Batch:
    """Decode every record and judge what needs no state: form, then time. `forced` refuses records beforehand."""
    records = [record for stretch in stretches for record in stretch.records]
    events: list[Event | None] = []
    refusals: dict[int, Refusal] = {}
    for position, record in enumerate(records):
        decoded = decoder.decode(record)
        if isinstance(decoded, Event):
            events.append(decoded)
        else:
            events.append(None)
            refusals[position] = decoded
    batch = Batch(
        stretches=tuple(stretches),
        records=records,
        events=events,
        refusals=refusals,
        times_us=_times(events, refusals),
        appended_us=np.array([record.timestamp for record in records], dtype=np.int64) * 1_000,
        partitions=np.repeat(
            np.array([s.tp.partition for s in stretches], dtype=np.int16), [len(s.records) for s in stretches]
        ),
        offsets=np.array([record.offset for record in records], dtype=np.int64),
    )
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


def _times(events: list[Event | None], refusals: dict[int, Refusal]) -> npt.NDArray[np.int64]:
    """Event times; 0 where there is no event. Refuses what is no time, also in `recordedtime`."""
    positions = [i for i, event in enumerate(events) if event is not None]
    present = [event for event in events if event is not None]
    values, bad = microseconds([event.time for event in present])
    times = np.zeros(len(events), dtype=np.int64)
    times[positions] = values
    for index in bad:
        _refuse_time(events, refusals, positions[index], "time")
    recorded = [i for i in positions if (event := events[i]) is not None and event.recordedtime is not None]
    _, bad = microseconds([str(event.recordedtime) for i in recorded if (event := events[i]) is not None])
    for index in bad:
        _refuse_time(events, refusals, recorded[index], "recordedtime")
    return times


def _refuse_time(events: list[Event | None], refusals: dict[int, Refusal], position: int, name: str) -> None:
    event = events[position]
    if event is not None and not is_time(getattr(event, name)):
        detail = f"{name} {getattr(event, name)!r} is not RFC 3339 with offset"
        refusals[position] = refusal_of(event, Reason.INVALID_DATA, detail)
        events[position] = None


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
            event = batch.events[start + index]
            if refusal is not None and event is not None:
                batch.refusals[start + index] = refusal_of(event, refusal.reason, refusal.detail)
                batch.events[start + index] = None


_MICROSECOND = timedelta(microseconds=1)
