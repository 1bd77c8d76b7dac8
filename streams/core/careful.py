"""The careful path: judges a record rule by rule, in the order of contract section 9.4, and says why it is refused.

It also takes what the hot decoder leaves aside but the contract accepts: binary mode, unknown
attributes and fields, unusual but valid forms.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

import msgspec

from schemas.events.fields import BIGINT_MAX
from schemas.identifiers import is_subject
from schemas.outcome import Reason
from streams.core.document import Document, read_document
from streams.core.envelope import KNOWN_ATTRIBUTES, REQUIRED, Event, is_binary
from streams.core.record import Record
from streams.core.refusal import Refusal, RefusedError
from streams.core.structs import Kind
from streams.core.times import is_time
from streams.core.unknown import split_unknown

UNDECODED = "qs-undecoded"
_TEXT_ATTRIBUTES = sorted(KNOWN_ATTRIBUTES - {*REQUIRED, "subject", "time", "data", "sequence"})


class Careful:
    """Judges one record; `judge` returns an event or a refusal and never raises for a record's sake."""

    def __init__(self, kinds: Mapping[str, Kind], max_record_bytes: int) -> None:
        self._kinds = kinds
        self._max_record_bytes = max_record_bytes

    def judge(self, record: Record) -> Event | Refusal:
        """The event in `record`, or the first reason that matches."""
        try:
            return self._judge(record)
        except RefusedError as refused:
            return _told(refused.refusal, record)

    def _judge(self, record: Record) -> Event:
        value = record.value
        if value is not None and len(value) > self._max_record_bytes:
            _refuse(Reason.TOO_LARGE, f"{len(value)} bytes, at most {self._max_record_bytes}")
        if not value:
            _refuse(Reason.UNDECODABLE, "null value" if value is None else "empty value")
        document = read_document(value)
        if is_binary(record.headers):
            attributes: Any = _binary_attributes(record)
            if any("\0" in text for text in attributes.values()):
                document = Document(document.value, "NUL character in an attribute")
            attributes["data"] = document.value
        else:
            attributes = document.value
        return self._event(attributes, document)

    def _event(self, attributes: Any, document: Document) -> Event:
        if not isinstance(attributes, dict):
            _refuse(Reason.NOT_CLOUDEVENT, "not a JSON object")
        for name in REQUIRED:
            if not isinstance(attributes.get(name), str) or not attributes[name]:
                _refuse(Reason.NOT_CLOUDEVENT, f"attribute {name} is missing or not a text")
        if attributes["specversion"] != "1.0":
            _refuse(Reason.NOT_CLOUDEVENT, f"specversion {attributes['specversion']!r} is not 1.0")
        claim = _Claim(attributes)
        if attributes["type"] not in self._kinds:
            claim.refuse(Reason.UNKNOWN_TYPE, f"type {attributes['type']!r} is not declared for this topic")
        if not isinstance(attributes.get("subject"), str) or not is_subject(attributes["subject"]):
            claim.refuse(Reason.BAD_SUBJECT, f"subject {attributes.get('subject')!r}")
        if document.problem:
            claim.refuse(Reason.INVALID_DATA, document.problem)
        return self._valid_event(attributes, claim)

    def _valid_event(self, attributes: dict[str, Any], claim: "_Claim") -> Event:
        if not isinstance(attributes.get("time"), str) or not is_time(attributes["time"]):
            claim.refuse(Reason.INVALID_DATA, f"time {attributes.get('time')!r} is not RFC 3339 with offset")
        for name in _TEXT_ATTRIBUTES:
            text = attributes.get(name)
            if text is not None and not (isinstance(text, str) and text):
                claim.refuse(Reason.INVALID_DATA, f"attribute {name} is not a text")
        recorded = attributes.get("recordedtime")
        if recorded is not None and not is_time(recorded):
            claim.refuse(Reason.INVALID_DATA, f"recordedtime {recorded!r} is not RFC 3339 with offset")
        sequence = _sequence(attributes.get("sequence"), claim)
        data, extra = self._data(attributes, claim)
        known: dict[str, Any] = {name: attributes.get(name) for name in _TEXT_ATTRIBUTES}
        given: dict[str, Any] = {name: attributes[name] for name in (*REQUIRED, "subject", "time") if name != "type"}
        event = self._kinds[attributes["type"]].event(**given, **known, data=data, sequence=sequence)
        return event.noting(extra, not KNOWN_ATTRIBUTES.issuperset(attributes) or None)

    def _data(self, attributes: dict[str, Any], claim: "_Claim") -> tuple[Any, dict[str, Any] | None]:
        kind = self._kinds[attributes["type"]]
        data = attributes.get("data")
        if "data" not in attributes and "data_base64" in attributes:
            data = _from_base64(attributes.pop("data_base64"), claim)
        if not isinstance(data, dict):
            claim.refuse(Reason.INVALID_DATA, "data is missing or not a JSON object")
        known, extra = split_unknown(kind.model, data)
        try:
            value = msgspec.convert(known, kind.data)
        except msgspec.ValidationError as error:
            claim.refuse(Reason.INVALID_DATA, f"data: {error}")
        problem = kind.model.RULE(value) if kind.model.RULE else None
        if problem:
            claim.refuse(Reason.INVALID_DATA, f"data: {problem}")
        return value, extra


def _told(refusal: Refusal, record: Record) -> Refusal:
    """With the gateway's own words, where a header has them (in the event itself they are `undecoded`)."""
    said = next((value for name, value in record.headers if name == UNDECODED and value), None)
    return refusal if said is None else replace(refusal, detail=said.decode("utf-8", "replace"))


class _Claim:
    """What an event says of itself, attached to its refusal as far as it is usable."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self._attributes = attributes

    def refuse(self, reason: Reason, detail: str) -> NoReturn:
        # A gateway's own words about what it could not decode: it knows better what is wrong.
        said = self._text("undecoded")
        sequence = self._attributes.get("sequence")
        number = int(str(sequence)) if _is_digits(sequence) else sequence
        usable = isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= BIGINT_MAX
        raise RefusedError(
            Refusal(
                reason,
                said or detail,
                source=self._text("source"),
                event_id=self._text("id"),
                bootid=self._text("bootid"),
                subject=self._text("subject"),
                type=self._text("type"),
                sequence=number if usable else None,
            )
        )

    def _text(self, name: str) -> str | None:
        value = self._attributes.get(name)
        return value if isinstance(value, str) and "\0" not in value else None


def _refuse(reason: Reason, detail: str) -> NoReturn:
    raise RefusedError(Refusal(reason, detail))


def _is_digits(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 100


def _sequence(value: Any, claim: _Claim) -> int | None:
    if value is None:
        return None
    number = int(value) if _is_digits(value) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= BIGINT_MAX:
        claim.refuse(Reason.INVALID_DATA, f"sequence {value!r} is not a number in decimal digits")
    return number


def _binary_attributes(record: Record) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for name, value in record.headers:
        lowered = name.lower()
        if lowered.startswith("ce_") and value is not None:
            try:
                attributes[lowered[3:]] = value.decode()
            except UnicodeDecodeError:
                _refuse(Reason.UNDECODABLE, f"header {lowered} is not UTF-8")
    attributes.pop("data", None)
    return attributes


def _from_base64(text: Any, claim: _Claim) -> Any:
    try:
        document = read_document(base64.b64decode(text, validate=True))
    except (binascii.Error, TypeError, ValueError):
        claim.refuse(Reason.INVALID_DATA, "data_base64 is not base64")
    if document.problem:
        claim.refuse(Reason.INVALID_DATA, document.problem)
    return document.value
