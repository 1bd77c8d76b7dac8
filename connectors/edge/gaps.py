"""What the spool dropped on purpose, as ranges of sequence numbers: the proof that the hole downstream is ours."""

import sqlite3
from typing import NamedTuple

import msgspec

from connectors.edge.row import Row


class Gap(NamedTuple):
    """`events` numbers of a stream that were never sent. Un-numbered ones have no range."""

    source: str
    bootid: str | None
    subject: str
    type: str
    from_sequence: int | None
    to_sequence: int | None
    events: int


class _Head(msgspec.Struct):
    source: str
    subject: str
    type: str
    bootid: str | None = None
    sequence: str | int | None = None


_SAME = "source = ? AND bootid IS ? AND subject = ? AND type = ? AND to_sequence IS ?"
_EXTEND = f"UPDATE gap SET to_sequence = ?, events = events + 1, dropped_at = ? WHERE {_SAME}"  # noqa: S608


def note(connection: sqlite3.Connection, row: Row, at: str) -> None:
    """Inside a transaction: this row is dropped. A letter is of no stream but the place it came from."""
    is_event = row.headers is None
    head = msgspec.json.decode(row.value, type=_Head) if is_event else _Head(row.key, "", "undecoded")
    stream = (head.source, head.bootid, head.subject, head.type)
    number = None if head.bootid is None or head.sequence is None else int(head.sequence)
    before = None if number is None else number - 1
    if connection.execute(_EXTEND, (number, at, *stream, before)).rowcount == 0:
        connection.execute("INSERT INTO gap VALUES (?, ?, ?, ?, ?, ?, 1, ?)", (*stream, number, number, at))


def read(connection: sqlite3.Connection) -> list[Gap]:
    """All of them, by stream."""
    columns = ", ".join(Gap._fields)
    return [Gap(*row) for row in connection.execute(f"SELECT {columns} FROM gap ORDER BY 1, 2, 3, 4, 5")]  # noqa: S608
