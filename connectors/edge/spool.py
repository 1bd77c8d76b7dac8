"""The spool: a SQLite file that holds events until the broker has them. Synchronous; one process at a time.

Everything a transaction does (numbers, events, cursors of sources, delivered events) becomes durable
together: write-ahead log, fsync at every commit. `keeper.py` is the asynchronous way in.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from connectors.edge import gaps
from connectors.edge.bounds import Bounds, Held
from connectors.edge.clock import Clock
from connectors.edge.errors import DiskFullError, EventTooLargeError, SpoolFailedError, SpoolFullError
from connectors.edge.event import Offered, Receipt, encoded, too_large
from connectors.edge.letter import Letter
from connectors.edge.numbering import Numbering
from connectors.edge.reserve import Reserve
from connectors.edge.row import Row
from connectors.kafka.outgoing import time_text
from schemas.errors import ConfigurationError

FORMAT: Final = 2
END: Final = 2**63 - 1
_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (source TEXT, subject TEXT, type TEXT, stream INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (source, subject, type)) WITHOUT ROWID;
CREATE TABLE event (position INTEGER PRIMARY KEY AUTOINCREMENT, steady_s REAL NOT NULL, topic TEXT NOT NULL,
  key TEXT NOT NULL, value BLOB NOT NULL, headers TEXT);
CREATE TABLE cursor (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE gap (source TEXT, bootid TEXT, subject TEXT, type TEXT, from_sequence INTEGER, to_sequence INTEGER,
  events INTEGER NOT NULL, dropped_at TEXT NOT NULL);
CREATE TABLE set_aside (position INTEGER PRIMARY KEY, topic TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
  reason TEXT NOT NULL, at TEXT NOT NULL);
"""
# exclusive before the first look at the file: then no shared memory is used, and a second process is refused.
_PRAGMAS: Final = ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL", "busy_timeout = 0")
# Format 1 knew events only.
_UPGRADE: Final = "ALTER TABLE event ADD COLUMN headers TEXT"
_INSERT: Final = "INSERT INTO event (steady_s, topic, key, value, headers) VALUES (?, ?, ?, ?, ?)"
_READ: Final = (
    "SELECT position, steady_s, topic, key, value, headers FROM event "
    "WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"
)

_NEWEST: Final = "SELECT coalesce((SELECT steady_s FROM event ORDER BY position DESC LIMIT 1), 0)"


class Cursor(NamedTuple):
    """How far a source has read, in its own words; kept in the same transaction as what it read. None: forget it."""

    name: str
    value: str | None


class Parcel(NamedTuple):
    """What a source offers at once, and what of it became no event: all of it is taken, or nothing."""

    events: Sequence[Offered] = ()
    cursors: Sequence[Cursor] = ()
    letters: Sequence[Letter] = ()


Answer = list[Receipt] | SpoolFullError | EventTooLargeError


class Spool:
    """Opens (or makes) the file.

    `last_position` is the highest ever given, `dropped` counts since the opening, `has_reserve` is False
    while the disk is full.

    Raises ConfigurationError where it cannot be used, as when another process has it.
    """

    def __init__(self, path: Path, bounds: Bounds = Bounds(), clock: Clock | None = None) -> None:  # noqa: B008
        self.path = path
        self.bounds = bounds
        self.clock = clock or Clock()
        self.dropped = 0
        self._rows: list[tuple[Any, ...]] = []
        self._is_overdue_now = False
        self._connection = _open(path)
        self._reserve = Reserve(path)
        self.has_reserve = self._reserve.hold()
        self.bootid = self._meta("bootid")
        self._numbering = Numbering(self._connection, self.bootid)
        self._events, self._bytes = int(self._meta("events")), int(self._meta("bytes"))
        self.last_position = self._last_position()
        self.clock.not_before(self._value(_NEWEST))

    def close(self) -> None:
        """Nothing is lost by not calling it."""
        self._connection.close()

    def write(self, parcels: Sequence[Parcel], delivered: Iterable[int] = ()) -> list[Answer]:
        """Take parcels and let go of delivered positions, durably, in one transaction. One answer per parcel.

        Raises DiskFullError (nothing was taken, nothing let go) and SpoolFailedError.
        """
        if parcels and not self._held_reserve():
            raise self._full()
        with self._transaction():
            self._let_go(delivered)
            # Once for all parcels: they are as old as their commit.
            self._is_overdue_now = bool(parcels) and self._has_overdue()
            now, steady_s = time_text(self.clock.now()), self.clock.steady_s()
            answers = [self._take(parcel, now, steady_s) for parcel in parcels]
            self._insert()
            self._numbering.write()
        self._numbering.keep()
        self.last_position = self._last_position()
        if not parcels:
            self._held_reserve()
        return answers

    def read(self, first: int, last: int, limit: int) -> list[Row]:
        """At most `limit` events with positions from `first` to `last`, oldest first."""
        return [Row(*row) for row in self._connection.execute(_READ, (first, last, limit))]

    def cursor(self, name: str) -> str | None:
        """What the source of that name kept last."""
        row = self._connection.execute("SELECT value FROM cursor WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def cursors(self, prefix: str) -> dict[str, str]:
        """All whose names begin so, by name."""
        query = "SELECT name, value FROM cursor WHERE substr(name, 1, ?) = ? ORDER BY name"
        return dict(self._connection.execute(query, (len(prefix), prefix)).fetchall())

    def set_aside(self, position: int, reason: str) -> None:
        """Take one event out of the way that the broker will never accept; it stays in the file, with the reason."""
        columns = "position, topic, key, value"
        at = time_text(self.clock.now())
        with self._transaction():
            self._connection.execute(
                f"INSERT OR IGNORE INTO set_aside SELECT {columns}, ?, ? FROM event WHERE position = ?",  # noqa: S608
                (reason, at, position),
            )
            self._let_go([position])

    def held(self) -> Held:
        """What waits now."""
        oldest = self._oldest()
        age_s = 0.0 if oldest is None else max(0.0, self.clock.steady_s() - oldest.steady_s)
        return Held(self._events, self._bytes, age_s)

    def gaps(self) -> list[gaps.Gap]:
        """What was dropped, as ranges of numbers."""
        return gaps.read(self._connection)

    def aside(self) -> int:
        """How many events have been set aside."""
        return int(self._value("SELECT count(*) FROM set_aside"))

    def _take(self, parcel: Parcel, now: str, steady_s: float) -> Answer:
        self._numbering.mark()
        finished = [self._finish(offered, now) for offered in parcel.events]
        sizes = [*(len(value) for _, value in finished), *(len(letter.value) for letter in parcel.letters)]
        size = sum(sizes)
        refusal = too_large(max(sizes, default=0)) or (self._make_room(size) if sizes else None)
        if refusal:
            self._numbering.return_to_mark()
            return refusal
        pairs = zip(parcel.events, finished, strict=True)
        self._rows += [
            (steady_s, offered.topic, offered.event["subject"], value, None) for offered, (_, value) in pairs
        ]
        self._rows += [(steady_s, *letter[:3], letter.header_text()) for letter in parcel.letters]
        self._keep_cursors(parcel.cursors)
        self._events += len(sizes)
        self._bytes += size
        return [receipt for receipt, _ in finished]

    def _insert(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            self._connection.executemany(_INSERT, rows)

    def _keep_cursors(self, cursors: Sequence[Cursor]) -> None:
        for cursor in cursors:
            if cursor.value is None:
                self._connection.execute("DELETE FROM cursor WHERE name = ?", (cursor.name,))
            else:
                self._connection.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", cursor)

    def _finish(self, offered: Offered, now: str) -> tuple[Receipt, bytes]:
        event = offered.event
        if not offered.is_numbered_by_us:
            sequence = event.get("sequence")
            receipt = Receipt(event["id"], event.get("bootid"), None if sequence is None else int(sequence))
            return receipt, encoded(event if "recordedtime" in event else {**event, "recordedtime": now})
        name, number = self._numbering.draw(event)
        given = {"id": name, "bootid": self.bootid, "sequence": str(number), "recordedtime": now}
        return Receipt(name, self.bootid, number), encoded({**given, **event})

    def _make_room(self, size: int) -> SpoolFullError | None:
        """Whether the bounds leave no room for `size` more bytes, after dropping what the policy says."""
        most = self.bounds.max_bytes
        if self.bounds.when_full == "drop_oldest" and size <= most:
            self._drop(size)
        if self._bytes + size > most:
            return SpoolFullError(
                "bytes", f"{size:,} bytes more do not fit: the spool holds {self._bytes:,} of {most:,}"
            )
        if self._is_overdue_now:
            return SpoolFullError("age", f"the oldest event in the spool has waited longer than {self.bounds.max_age}")
        return None

    def _drop(self, size: int) -> None:
        self._insert()
        self._is_overdue_now = False
        while (oldest := self._oldest()) is not None:
            if self._bytes + size <= self.bounds.max_bytes and not self._is_overdue(oldest):
                return
            gaps.note(self._connection, oldest, time_text(self.clock.now()))
            self._let_go([oldest.position])
            self.dropped += 1

    def _has_overdue(self) -> bool:
        oldest = self._oldest()
        return oldest is not None and self._is_overdue(oldest)

    def _is_overdue(self, row: Row) -> bool:
        return self.clock.steady_s() - row.steady_s > self.bounds.max_age.total_seconds()

    def _oldest(self) -> Row | None:
        return next(iter(self.read(0, END, 1)), None)

    def _let_go(self, positions: Iterable[int]) -> None:
        for first, last in ranges(positions):
            events, size = self._measure(first, last)
            self._connection.execute("DELETE FROM event WHERE position BETWEEN ? AND ?", (first, last))
            self._events -= events
            self._bytes -= size

    def _measure(self, first: int, last: int) -> tuple[int, int]:
        query = "SELECT count(*), coalesce(sum(length(value)), 0) FROM event WHERE position BETWEEN ? AND ?"
        events, size = self._connection.execute(query, (first, last)).fetchone()
        return int(events), int(size)

    def _last_position(self) -> int:
        return int(self._value("SELECT coalesce(max(seq), 0) FROM sqlite_sequence"))

    def _meta(self, name: str) -> str:
        return str(self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])

    def _value(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()[0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        before = (self._events, self._bytes, self.dropped)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            # Kept, so that opening a spool of gigabytes does not have to count.
            totals = ((self._events, "events"), (self._bytes, "bytes"))
            self._connection.executemany("UPDATE meta SET value = ? WHERE name = ?", totals)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._undo()
            self._numbering.undo()
            self._rows.clear()
            self._events, self._bytes, self.dropped = before
            if isinstance(error, sqlite3.Error):
                raise self._meaning(error) from error
            raise

    def _held_reserve(self) -> bool:
        """Whether the room is there for letting go; tries to get it back from what was let go."""
        if self.has_reserve:
            return True
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.has_reserve = self._reserve.hold()
        return self.has_reserve

    def _full(self) -> DiskFullError:
        return DiskFullError(f"the disk under {self.path} is full: free some space; delivery goes on meanwhile")

    def _undo(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _meaning(self, error: sqlite3.Error) -> DiskFullError | SpoolFailedError:
        if primary(error) == sqlite3.SQLITE_FULL:
            self._reserve.give_up()
            self.has_reserve = False
            return self._full()
        return SpoolFailedError(f"the spool {self.path} cannot be written ({error}): look at the disk")


def ranges(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Positions as ranges, both ends included: 1, 2, 3, 7 are (1, 3) and (7, 7)."""
    found: list[tuple[int, int]] = []
    for position in sorted(positions):
        if found and position <= found[-1][1] + 1:
            found[-1] = (found[-1][0], position)
        else:
            found.append((position, position))
    return found


def primary(error: sqlite3.Error) -> int | None:
    """SQLite's own code of an error, without its extension."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        _prepare(connection, path)
        _sync_folder(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"cannot use the spool {path} ({_why(error)})") from error
    return connection


def _why(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    said = {
        sqlite3.SQLITE_BUSY: "another process has it open: one gateway, one spool",
        sqlite3.SQLITE_NOTADB: "the file is no spool",
        sqlite3.SQLITE_CORRUPT: "the file is damaged: keep it, and start with a new path",
        sqlite3.SQLITE_FULL: "the disk is full",
    }
    return said.get(primary(error) or 0, str(error))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; refuse one that somebody else made."""
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if version == 0 and tables == 0:
        for statement in filter(str.strip, _SCHEMA.split(";")):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO meta VALUES ('bootid', ?), ('events', 0), ('bytes', 0)", (secrets.token_hex(8),)
        )
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    elif version == 1:
        connection.execute(_UPGRADE)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    elif version != FORMAT:
        connection.execute("ROLLBACK")
        connection.close()
        raise ConfigurationError(f"{path} is not a spool of this version: name another file")
    connection.execute("COMMIT")


def _sync_folder(folder: Path) -> None:
    """The name of a new file is durable only with its folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
