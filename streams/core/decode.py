"""The hot decoder: records to events in about a microsecond each, what remains to be checked a batch at a time.

It takes only what is beyond doubt; whatever it does not take is judged by the careful path
(streams/core/careful.py), which alone gives reasons.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Union

import msgspec

from schemas.events.model import EventData, Rule
from schemas.identifiers import is_subject
from streams.core.careful import Careful
from streams.core.envelope import Event, is_binary
from streams.core.head import Head, head_of
from streams.core.record import Record
from streams.core.refusal import Refusal
from streams.core.structs import Kind

_SUBJECTS_REMEMBERED: Final = 100_000
_PIECE: Final = 1_000
_LONGEST_NUMBER: Final = 19
_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Decoded:
    """One entry per record: `events[i]` is None where `refusals` has position i.

    `head` holds the events' columns, `noted` the positions of events with something nobody knows.
    """

    events: list[Event | None]
    refusals: dict[int, Refusal]
    head: Head
    noted: Sequence[int]


class Decoder:
    """Decodes the records of one topic, which carries the event types of `models`."""

    def __init__(self, models: Iterable[type[EventData]], max_record_bytes: int) -> None:
        kinds = {model.TYPE: Kind.of(model) for model in models}
        every = tuple(kind.event for kind in kinds.values())
        self._decode = msgspec.json.Decoder(Union[every]).decode  # noqa: UP007  (built at run time)
        self._rules = {kind.event: kind.model.RULE for kind in kinds.values() if kind.model.RULE}
        self._careful = Careful(kinds, max_record_bytes)
        self._max_record_bytes = max_record_bytes
        self._subjects: set[str] = set()

    def decode(self, records: Sequence[Record]) -> Decoded:
        """The event in each record, or why there is none; never raises for a record's sake.

        `time` and `recordedtime` stay text: their values are judged with the batch.
        """
        values = [record.value or b"" for record in records]
        events, failed = self._attempt(values)
        _count_in_numbers(events)
        careful = {*failed, *self._by_record(records, values)}
        refusals = self._settle(records, careful, events)
        head = head_of(events)
        doubtful = set(self._by_column(head)) - careful
        if doubtful:
            refusals |= self._settle(records, doubtful, events)
            head = head_of(events)
        noted = [i for i in sorted(careful | doubtful) if (e := events[i]) and (e.extra or e.has_unknown) is not None]
        return Decoded(events, refusals, head, noted)

    def _attempt(self, values: Sequence[bytes]) -> tuple[list[Event | None], list[int]]:
        """What decodes at once, and the positions of what does not."""
        decode = self._decode
        events: list[Event | None] = []
        failed: list[int] = []
        append = events.append
        for value in values:
            try:
                append(decode(value))
            except _ERRORS:
                failed.append(len(events))
                append(None)
        return events, failed

    def _settle(
        self, records: Sequence[Record], positions: Iterable[int], events: list[Event | None]
    ) -> dict[int, Refusal]:
        """Judge records carefully: events are set in place, refusals returned."""
        refusals = {}
        for position in sorted(positions):
            judged = self._careful.judge(records[position])
            events[position] = judged if isinstance(judged, Event) else None
            if isinstance(judged, Refusal):
                refusals[position] = judged
        return refusals

    def _by_record(self, records: Sequence[Record], values: Sequence[bytes]) -> Iterator[int]:
        """Positions whose bytes or headers the types could not judge."""
        if max(map(len, values), default=0) > self._max_record_bytes:
            yield from (i for i, value in enumerate(values) if len(value) > self._max_record_bytes)
        headers = [record.headers for record in records]
        if any(headers):
            yield from (i for i, found in enumerate(headers) if found and is_binary(found))
        for start in range(0, len(values), _PIECE):
            # Whether any has an escaped NUL: joined pieces that fit the cache are searched at memory speed.
            piece = b"".join(values[start : start + _PIECE])
            if b"\\" in piece and b"\\u0000" in piece:
                yield from (i for i in range(start, min(start + _PIECE, len(values))) if b"\\u0000" in values[i])

    def _by_column(self, head: Head) -> Iterator[int]:
        """Positions of events whose subject, sequence or rule the types could not judge."""
        bad = {subject for subject in head.subject.words if subject not in self._subjects and not self._learn(subject)}
        if bad:
            texts = head.subject.texts.to_pylist()
            yield from (int(head.positions[i]) for i, subject in enumerate(texts) if subject in bad)
        yield from (int(head.positions[i]) for i in head.odd)
        for kind, where in head.by_kind():
            if (rule := self._rules.get(kind)) is not None:
                data = head.data if len(where) == len(head) else [head.data[i] for i in where.tolist()]
                yield from (int(head.positions[where[i]]) for i in _breaking(rule, data))

    def _learn(self, subject: str) -> bool:
        if not is_subject(subject):
            return False
        if len(self._subjects) >= _SUBJECTS_REMEMBERED:
            self._subjects.clear()
        self._subjects.add(subject)
        return True


def _count_in_numbers(events: Iterable[Event | None]) -> None:
    """Sequences in decimal digits become numbers, in place: CloudEvents has them as text. Odd ones stay for judgement."""
    for event in events:
        if event is None or not isinstance(text := event.sequence, str):
            continue
        if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER:
            event.sequence = int(text)


def _breaking(rule: Rule, data: Sequence[Any]) -> Iterator[int]:
    """Indices of data that break a rule. One that asks for any of some fields holds wherever one is always there."""
    for field in getattr(rule, "any_of", ()):
        if None not in map(attrgetter(field), data):
            return
    yield from (i for i, values in enumerate(data) if rule(values))
