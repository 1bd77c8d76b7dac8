"""TIC4.0 messages, JSON or flat, to crane events: one message or a list of them, or one a line."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, NoReturn

import msgspec

from connectors.kafka.outgoing import time_text
from connectors.messages.places import asset_name
from connectors.messages.said import RefusedPartError, Said, Told, Untold
from connectors.tic.flat import is_flat, to_json
from connectors.tic.grammar import HEADER, Metadata, Proprietary, Reading, RuleBrokenError, read
from connectors.tic.partner import TicPartner
from connectors.tic.sample import fault_of, job_of, kept, sample_of, status_of
from connectors.tic.vocabulary import JOB

SAMPLE: Final = "io.quaystream.crane.sample.v1"
STATUS: Final = "io.quaystream.crane.status.v1"
FAULT: Final = "io.quaystream.crane.fault.v1"
STEP: Final = "io.quaystream.crane.job.v1"
_CRANE: Final = "che"


def decode(content: bytes, notes: Counter[str], partner: TicPartner) -> Iterator[Said]:
    """The events of a document. A message that breaks a rule is one refusal; the others are taken."""
    for place, text in _texts(content):
        try:
            found = _parsed(text)
        except RefusedPartError as error:
            yield Untold(str(error), place, text)
            continue
        for number, document in enumerate(found if isinstance(found, list) else [found], start=1):
            where = f"{place}, message {number}" if isinstance(found, list) else place
            yield from _told(document, where, notes, partner)


def _texts(content: bytes) -> Iterator[tuple[str, bytes]]:
    """One document, or one a line: when the first line is a whole JSON object and more follow."""
    lines = [(n, line) for n, line in enumerate(content.splitlines(), start=1) if line.strip()]
    if len(lines) > 1 and _is_json(lines[0][1]):
        yield from ((f"line {number}", line) for number, line in lines)
    else:
        yield "document", content


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return text.strip().endswith((b"}", b"]"))


def _parsed(text: bytes) -> Any:
    """JSON in which no name stands twice: the last would hide what the first said (T6)."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except RefusedPartError:
        raise
    except (ValueError, RecursionError) as error:
        raise RefusedPartError(f"not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RuleBrokenError("T6", twice, "the name stands twice in one object")
    return members


def _refuse(literal: str) -> NoReturn:
    raise RefusedPartError(f"{literal} is not JSON")


def _told(document: Any, where: str, notes: Counter[str], partner: TicPartner) -> Iterator[Said]:
    try:
        events = list(_Message(document, partner).events(notes))
    except RefusedPartError as error:
        yield Untold(str(error), where, msgspec.json.encode(document))
        return
    yield from (Told(event, where) for event in events)


class _Moment(NamedTuple):
    """What one crane says of one moment."""

    metadata: dict[str, Any]
    jobs: dict[str, Any]
    readings: list[Reading]


class _Message:
    def __init__(self, document: Any, partner: TicPartner) -> None:
        if not isinstance(document, dict):
            raise RefusedPartError("not an object")
        self._json = to_json(document) if is_flat(document) else document
        self._partner = partner
        header = self._json.get(HEADER, {})
        if not isinstance(header, dict):
            raise RefusedPartError("msg is no object")
        given = header.get("id")
        digest = hashlib.sha256(msgspec.json.encode(document)).hexdigest()[:16]
        self._id = given if isinstance(given, str) and given else digest
        sender = header.get("sender")
        self._source = f"/tic/{asset_name(sender if isinstance(sender, str) else 'unnamed').lower()}"

    def events(self, notes: Counter[str]) -> Iterator[dict[str, Any]]:
        for (crane, time), moment in self._moments(notes).items():
            yield from self._of(crane, time, moment, notes)

    def _moments(self, notes: Counter[str]) -> dict[tuple[str, str], _Moment]:
        moments: dict[tuple[str, str], _Moment] = {}
        metadata: dict[str, dict[str, Any]] = {}
        jobs: dict[str, dict[str, Any]] = {}
        for found in read(self._json):
            top = found.subjects[0] if found.subjects else ("", "")
            if isinstance(found, Proprietary):
                notes["proprietary"] += 1
            elif top[0] != _CRANE:
                notes[f"nothing_for_us: {top[0]}"] += 1
            elif isinstance(found, Metadata):
                if len(found.subjects) == 1:
                    metadata.setdefault(top[1], {})[found.name] = found.value
                elif (found.subjects[1][0], found.name) == (JOB, "id"):
                    jobs.setdefault(top[1], {})[found.subjects[1][1]] = found.value
            else:
                key = top[1], time_text(found.at)
                of_crane = metadata.setdefault(top[1], {}), jobs.setdefault(top[1], {})
                moments.setdefault(key, _Moment(*of_crane, [])).readings.append(found)
        return moments

    def _of(self, crane: str, time: str, moment: _Moment, notes: Counter[str]) -> Iterator[dict[str, Any]]:
        subject = self._partner.subject(moment.metadata)
        status, from_status = status_of(moment.readings)
        faults = [(reading, fault) for reading in moment.readings if (fault := fault_of(reading))]
        jobs = [(reading, job) for reading in moment.readings if (job := job_of(reading, moment.jobs))]
        used = [*from_status, *(reading for reading, _ in (*faults, *jobs))]
        sample, rest = sample_of([r for r in moment.readings if r not in used], notes)
        data: list[tuple[str, dict[str, Any]]] = [
            *([(SAMPLE, sample)] if sample else []),
            *([(STATUS, {"status": status})] if status else []),
            *((FAULT, fault) for _, fault in faults),
            *((STEP, job) for _, job in jobs),
        ]
        if not data:
            notes["nothing_for_us: readings of no field of ours"] += len(rest)
            return
        if rest:
            data[0][1]["readings"] = kept(rest)
        for number, (kind, of_event) in enumerate(data, start=1):
            yield {
                "id": "/".join(filter(None, (self._id, crane, time, str(number)))),
                "source": self._source,
                "type": kind,
                "subject": subject,
                "time": time,
                "data": of_event,
            }
