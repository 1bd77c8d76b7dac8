"""Rows to CloudEvents, by a mapping: every row becomes one event with its own time, or is refused with a reason."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from connectors.csv.mapping import TRACE_SITE, FieldColumn, Mapping, Subject, TimeColumn
from connectors.csv.rows import Row, read_rows
from connectors.kafka.outgoing import CONTENT_TYPE, Outgoing, Refused, problem_of, renamed, time_text

Value = str | int | float | bool

_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_BOOLEANS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_US_PER: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


class _RefusedRowError(Exception):
    """Why a row becomes no event; never leaves this module."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the identity of a file's events is made of: the digest of its bytes, its name, and how far it is shifted.

    The same file gives the same ids; another shift gives other ids, because those events say other times.
    """

    digest: str
    stem: str
    shift: timedelta | None = None

    @property
    def source(self) -> str:
        return f"/publish/{self.digest}"

    @property
    def run(self) -> str:
        """What ids and bootid start with."""
        return self.digest if self.shift is None else renamed(self.digest, self.shift)


def origin_of(path: Path) -> Origin:
    """The origin of a file as it is; reads it whole."""
    with path.open("rb") as file:
        return Origin(hashlib.file_digest(file, "sha256").hexdigest()[:16], path.stem)


def read_events(path: Path, mapping: Mapping, origin: Origin, topic: str) -> Iterator[Outgoing | Refused]:
    """The events of a file, in its order. Errors as `read_rows`."""
    sent: Counter[str] = Counter()
    for row in read_rows(path, mapping):
        if isinstance(row, Refused):
            yield row
            continue
        try:
            subject = _subject(row, mapping.subject, origin.stem)
            time = _time(row, mapping.time)
            event = _event(row, mapping, origin, (subject, time, sent[subject] + 1))
        except _RefusedRowError as refused:
            yield Refused(row.line, str(refused))
            continue
        sent[subject] += 1
        moved = time if origin.shift is None else time + origin.shift
        yield Outgoing(row.line, topic, subject.encode(), msgspec.json.encode(event), (CONTENT_TYPE,), moved)


def facts_of(row: Row, mapping: Mapping, stem: str) -> dict[str, Any] | Refused:
    """What a row says, without an identity: type, subject, time and data (and source, if the mapping names one).

    `stem` is the name of the file, from which a mapping may take the subject. Not checked against the model.
    """
    try:
        facts = {
            "type": mapping.type,
            "subject": _subject(row, mapping.subject, stem),
            "time": time_text(_time(row, mapping.time)),
            "data": _data(row, mapping),
        }
    except _RefusedRowError as refused:
        return Refused(row.line, str(refused))
    return facts if mapping.source is None else {**facts, "source": mapping.source}


def _event(row: Row, mapping: Mapping, origin: Origin, own: tuple[str, datetime, int]) -> dict[str, Any]:
    subject, time, sequence = own
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{origin.run}-{row.line}",
        "source": mapping.source or origin.source,
        "type": mapping.type,
        "subject": subject,
        "time": time_text(time + (origin.shift or timedelta())),
        "bootid": origin.run,
        "sequence": str(sequence),
        "data": _data(row, mapping),
    }
    if origin.shift is not None:
        event["shiftedfrom"] = time_text(time)
    problem = problem_of(event)
    if problem:
        raise _RefusedRowError(problem)
    return event


def asset_name(text: str) -> str:
    """`text` as the last part of a subject: upper case, at most 32 of A-Z, 0-9 and _."""
    return re.sub(r"[^A-Z0-9_]", "_", text.upper())[:32]


def _subject(row: Row, subject: Subject, stem: str) -> str:
    if subject.value is not None:
        return subject.value
    if subject.column is None:
        return f"{subject.site or TRACE_SITE}-{asset_name(stem)}"
    cell = _cell(row, subject.column)
    return f"{subject.site}-{asset_name(cell)}" if subject.site else cell


def _time(row: Row, column: TimeColumn) -> datetime:
    cell = _cell(row, column.column)
    try:
        moment = _iso(cell, column) if column.unit == "iso" else _from_epoch(cell, column.unit)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _RefusedRowError(f"{column.column}: {cell!r} is no time in unit {column.unit} ({error})") from error
    if moment < _EARLIEST:
        raise _RefusedRowError(
            f"{column.column}: {time_text(moment)} is before the year 2000: is unit {column.unit} right?"
        )
    return moment


def _from_epoch(cell: str, unit: str) -> datetime:
    if not _NUMBER.fullmatch(cell):
        raise ValueError("not a number")
    return _EPOCH + timedelta(microseconds=int(Decimal(cell) * _US_PER[unit]))


def _iso(cell: str, column: TimeColumn) -> datetime:
    moment = datetime.fromisoformat(cell)
    if moment.tzinfo is None:
        if column.offset is None:
            raise ValueError("no offset in it, and the mapping gives none")
        moment = moment.replace(tzinfo=column.zone())
    return moment


def _data(row: Row, mapping: Mapping) -> dict[str, Value]:
    data: dict[str, Value] = dict(mapping.constants)
    for name, field in mapping.fields.items():
        cell = row.cells.get(field.column)
        if cell is not None and cell not in mapping.missing:
            data[name] = _value(cell, field)
    return data


def _value(cell: str, field: FieldColumn) -> Value:
    if field.type == "text":
        return cell
    if field.type == "number" and _NUMBER.fullmatch(cell):
        return float(cell) if field.scale is None else float(cell) * field.scale
    if field.type == "integer" and _INTEGER.fullmatch(cell):
        return int(cell)
    if field.type == "boolean" and cell.lower() in _BOOLEANS:
        return _BOOLEANS[cell.lower()]
    raise _RefusedRowError(f"{field.column}: {cell!r} is no {field.type}")


def _cell(row: Row, column: str) -> str:
    cell = row.cells.get(column, "")
    if not cell:
        raise _RefusedRowError(f"{column} is empty")
    return cell
