"""What a line of a file says: an event as JSON, or a row that a mapping makes one of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.csv.events import facts_of
from connectors.csv.mapping import Mapping
from connectors.csv.rows import Layout, layout_of
from connectors.edge.door import Reader, event_of
from connectors.edge.errors import InvalidEventError
from connectors.kafka.outgoing import Refused
from schemas.errors import ConfigurationError

# How the lines of one file are read, given its path and first line; raises ConfigurationError.
Lines = Callable[[Path, bytes], tuple[Reader, int]]


def json_lines() -> Lines:
    """One event a line; no header."""
    return lambda _path, _first: ((lambda _number, line: event_of(line)), 0)


def mapped_lines(mapping: Mapping) -> Lines:
    """One row a line, by the mapping; the second value is how many lines of header there are.

    Raises ConfigurationError for an encoding whose line ends are not one byte: such a file cannot be followed.
    """
    if "\n".encode(mapping.encoding) != b"\n":
        raise ConfigurationError(f"encoding {mapping.encoding} cannot be followed line by line: write utf-8")
    header = 0 if mapping.header == "none" else 1

    def of_file(path: Path, first: bytes) -> tuple[Reader, int]:
        layout = layout_of(path, mapping, _text(first, mapping).removeprefix("\ufeff"))
        return (lambda number, line: _facts(number, line, layout, mapping, path.stem)), header

    return of_file


def _text(line: bytes, mapping: Mapping) -> str:
    return line.decode(mapping.encoding, errors="surrogateescape")


def _facts(number: int, line: bytes, layout: Layout, mapping: Mapping, stem: str) -> dict[str, Any]:
    row = layout.row(number, _text(line, mapping))
    facts = row if isinstance(row, Refused) else facts_of(row, mapping, stem)
    if isinstance(facts, Refused):
        raise InvalidEventError(facts.reason)
    return facts
