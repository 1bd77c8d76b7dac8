"""The hot decoder: one record to one event in about a microsecond.

It takes only what is beyond doubt; whatever it does not take is judged by the careful path
(streams/core/careful.py), which alone gives reasons.
"""

from collections.abc import Iterable

import msgspec

from schemas.events.fields import BIGINT_MAX
from schemas.events.model import EventData
from schemas.identifiers import is_subject
from streams.core.careful import Careful
from streams.core.envelope import Event, is_binary
from streams.core.record import Record
from streams.core.refusal import Refusal
from streams.core.structs import struct_of

_SUBJECTS_REMEMBERED = 100_000


class Decoder:
    """Decodes the records of one topic, which carries the event types of `models`.

    `decode` never raises for a record's sake: it returns an `Event` whose `data` is the struct of its type,
    or a `Refusal`.
    """

    def __init__(self, models: Iterable[type[EventData]], max_record_bytes: int) -> None:
        structs = {model.TYPE: (model, struct_of(model)) for model in models}
        self._envelope = msgspec.json.Decoder(Event)
        self._data = {name: (msgspec.json.Decoder(struct), model.RULE) for name, (model, struct) in structs.items()}
        self._careful = Careful(structs, max_record_bytes)
        self._max_record_bytes = max_record_bytes
        self._subjects: set[str] = set()

    def decode(self, record: Record) -> Event | Refusal:
        """The event in `record`, or why there is none. Reads `time` as text: its value is judged with the batch."""
        value = record.value
        if not value or len(value) > self._max_record_bytes or (record.headers and is_binary(record.headers)):
            return self._careful.judge(record)
        try:
            event = self._envelope.decode(value)
            decoder, rule = self._data[event.type]
            data = decoder.decode(event.data)
        except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError):
            return self._careful.judge(record)
        if not self._is_plain(event, value) or (rule is not None and rule(data)):
            return self._careful.judge(record)
        return event.with_data(data)

    def _is_plain(self, event: Event, value: bytes) -> bool:
        """Whether everything the types could not say holds too."""
        return (
            event.specversion == "1.0"
            and (event.subject in self._subjects or self._remember(event.subject))
            and (event.sequence is None or self._is_number(event))
            and b"\\u0000" not in value
        )

    def _is_number(self, event: Event) -> bool:
        sequence = event.sequence
        if isinstance(sequence, str):
            if not (sequence.isascii() and sequence.isdigit() and len(sequence) <= 19):
                return False
            event.sequence = sequence = int(sequence)
        return sequence is not None and 0 <= sequence <= BIGINT_MAX

    def _remember(self, subject: str) -> bool:
        if not is_subject(subject):
            return False
        if len(self._subjects) >= _SUBJECTS_REMEMBERED:
            self._subjects.clear()
        self._subjects.add(subject)
        return True
