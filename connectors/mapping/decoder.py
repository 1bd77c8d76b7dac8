"""Outside records in a content, JSON or delimited text, to events by a mapping; each with its place."""

import csv
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from connectors.mapping.event import event_of, found
from connectors.mapping.model import Mapping
from connectors.messages.said import RefusedPartError, Said, Told, Untold


def decode(content: bytes, notes: Counter[str], mapping: Mapping) -> Iterator[Said]:  # noqa: ARG001  (as every decoder)
    """The events of a document, or of its lines; a record that does not fit is refused alone."""
    for place, record, raw in _records(content, mapping):
        if isinstance(record, RefusedPartError):
            yield Untold(str(record), place, raw)
            continue
        try:
            yield Told(event_of(record, mapping), place)
        except RefusedPartError as error:
            yield Untold(str(error), place, raw)


def line_of(text: bytes, mapping: Mapping) -> dict[str, Any]:
    """The event of one JSON line. Raises RefusedPartError."""
    return event_of(_json(text), mapping)


def _records(content: bytes, mapping: Mapping) -> Iterator[tuple[str, Any, bytes]]:
    if mapping.input == "csv":
        yield from _rows(content, mapping)
        return
    lines = [(n, line) for n, line in enumerate(content.splitlines(), start=1) if line.strip()]
    if len(lines) > 1 and not isinstance(_tried(lines[0][1]), RefusedPartError):
        for number, line in lines:
            yield from _inside(f"line {number}", _tried(line), line, mapping)
    else:
        yield from _inside("document", _tried(content), content, mapping)


def _inside(place: str, document: Any, raw: bytes, mapping: Mapping) -> Iterator[tuple[str, Any, bytes]]:
    """One record, or those of a list: the document itself, or what stands at `records`."""
    if isinstance(document, RefusedPartError):
        yield place, document, raw
        return
    if mapping.records is not None:
        document = found(document, mapping.records)
        if not isinstance(document, list):
            yield place, RefusedPartError(f"{mapping.records} is no list"), raw
            return
    if not isinstance(document, list):
        yield place, document, raw
        return
    for number, record in enumerate(document, start=1):
        yield f"{place}, record {number}", record, msgspec.json.encode(record)


def _rows(content: bytes, mapping: Mapping) -> Iterator[tuple[str, Any, bytes]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield "document", RefusedPartError(f"not UTF-8: {error.reason} at byte {error.start}"), content
        return
    first, *lines = text.replace("\r\n", "\n").split("\n")
    try:
        names = _cells(first, mapping)
    except RefusedPartError as error:
        yield "line 1", error, content
        return
    for number, line in enumerate(lines, start=2):
        if line.strip():
            yield f"line {number}", _row(line, names, mapping), line.encode()


def _row(line: str, names: list[str], mapping: Mapping) -> Any:
    try:
        cells = _cells(line, mapping)
    except RefusedPartError as error:
        return error
    if len(cells) != len(names):
        return RefusedPartError(f"{len(cells)} columns, the header has {len(names)}")
    return dict(zip(names, cells, strict=True))


def _cells(line: str, mapping: Mapping) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=mapping.delimiter, strict=True), [])
    except csv.Error as error:
        raise RefusedPartError(f"not delimited text: {error}") from error


def _tried(text: bytes) -> Any:
    try:
        return _json(text)
    except RefusedPartError as error:
        return error


def _json(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedPartError(f"not JSON: {error}") from error
