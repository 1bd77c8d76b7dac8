"""Delimited text to rows: each line with its number and its cells by column name, or why it is no row."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from connectors.csv.mapping import WHITESPACE, Mapping
from connectors.kafka.outgoing import Refused
from schemas.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Row:
    """One data line: its number in the file (from 1) and the cells by column name, without blanks around them."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of one file are split: the names of their columns, and how many a line may have."""

    names: Sequence[str]
    widths: frozenset[int]
    delimiter: str

    def row(self, number: int, line: str) -> Row | Refused:
        """The row of one line."""
        return _row(number, line, self.names, self.widths, self.delimiter)


def layout_of(path: Path, mapping: Mapping, header: str) -> Layout:
    """The layout of a file whose first line is `header` (looked at only where the mapping says it names columns).

    Raises ConfigurationError when it lacks a column that the mapping uses.
    """
    columns = _columns(path, mapping, header)
    return Layout((*columns, *mapping.unnamed), _widths(columns, mapping), mapping.delimiter)


def read_rows(path: Path, mapping: Mapping) -> Iterator[Row | Refused]:
    """Every data line of the file, in order; lines of blanks only are no data.

    One line is one row: a quoted cell may hold the delimiter, not the end of the line. Raises
    ConfigurationError when the file cannot be opened or its header lacks a column that the mapping uses.
    """
    with _open(path, mapping) as lines:
        numbered = enumerate(lines, start=1)
        _, header = (0, "") if mapping.header == "none" else next(numbered, (1, ""))
        layout = layout_of(path, mapping, header)
        for number, line in numbered:
            if line.strip():
                yield layout.row(number, line)


def _open(path: Path, mapping: Mapping) -> TextIO:
    # An undecodable byte spoils its own line, not the file: it is smuggled through and refused there.
    encoding = "utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding
    try:
        return path.open(encoding=encoding, errors="surrogateescape", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} ({error.strerror})") from error


def _columns(path: Path, mapping: Mapping, header: str) -> Sequence[str]:
    if mapping.header != "names":
        return mapping.columns
    columns = _cells(header, mapping.delimiter)
    for name in mapping.used_columns():
        if columns.count(name) > 1:
            raise ConfigurationError(f"{path}:1: two columns are named {name}: use `header: skip` and name them")
        if name not in columns and name not in mapping.unnamed:
            raise ConfigurationError(
                f"{path}:1: the header has no column {name}; it has {', '.join(columns) or 'none'}"
            )
    return columns


def _widths(columns: Sequence[str], mapping: Mapping) -> frozenset[int]:
    return frozenset(mapping.widths or {len(columns), len(columns) + len(mapping.unnamed)})


def _row(number: int, line: str, names: Sequence[str], widths: frozenset[int], delimiter: str) -> Row | Refused:
    try:
        line.encode()
        cells = _cells(line, delimiter)
    except UnicodeEncodeError:
        return Refused(number, "not text in the encoding of the mapping")
    except csv.Error as error:
        return Refused(number, f"cannot be split: {error}")
    while len(cells) > max(widths) and not cells[-1]:
        cells.pop()
    if len(cells) not in widths or len(cells) > len(names):
        expected = " or ".join(str(width) for width in sorted(widths) if width <= len(names))
        return Refused(number, f"{len(cells)} columns, expected {expected}")
    return Row(number, dict(zip(names, cells, strict=False)))


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == WHITESPACE:
        return line.split()
    (cells,) = csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True, skipinitialspace=delimiter != " ")
    return [cell.strip() for cell in cells]
