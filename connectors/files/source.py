"""Follows the files of a folder. The place in each file is kept with its events, in one transaction of the spool.

So a kill at any moment neither loses a line nor takes one twice. Files are only read, never moved or removed.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from connectors.edge.door import Door, Reader, read_lines
from connectors.edge.errors import EventTooLargeError
from connectors.edge.spool import Cursor
from connectors.files.lines import Lines
from connectors.files.piece import CHUNK, next_piece
from connectors.files.place import Place, is_same, place_of
from schemas.errors import ConfigurationError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watch:
    """Which files, and how often they are looked at (seconds)."""

    folder: Path
    pattern: str
    poll_s: float
    complete_after_s: float


class FilesSource:
    """Takes whole lines as they come; the files in the order of their names, a piece of each at a time."""

    def __init__(self, watch: Watch, lines: Lines) -> None:
        self._watch = watch
        self._lines = lines
        self._places: dict[Path, Place] = {}
        self._readers: dict[Path, tuple[Reader, int]] = {}
        self._sizes: dict[Path, tuple[int, float]] = {}
        self._spoiled: set[Path] = set()

    async def run(self, door: Door) -> None:
        """Until cancelled."""
        while True:
            moved = False
            for path in sorted(self._watch.folder.glob(self._watch.pattern)):
                moved |= path.is_file() and await self._read(path, door)
            if not moved:
                await asyncio.sleep(self._watch.poll_s)

    async def _read(self, path: Path, door: Door) -> bool:
        try:
            with path.open("rb") as file:
                place = await self._place(path, file, door)
                reader = self._reader(path, file)
                return reader is not None and await self._take(path, file, place, door)
        except OSError as error:
            # Taken away while we looked, or not ours to read yet.
            self._say_once(path, f"cannot be read ({error.strerror})")
            return False

    async def _place(self, path: Path, file: BinaryIO, door: Door) -> Place:
        place = self._places.get(path)
        if place is None:
            place = place_of(await door.cursor(self._name(path, door)))
        if not is_same(file, place):
            log.warning("file_began_anew", connector=door.name, file=str(path), read_before=place.offset)
            self._readers.pop(path, None)
            self._spoiled.discard(path)
            place = Place()
        self._places[path] = place
        return place

    def _reader(self, path: Path, file: BinaryIO) -> tuple[Reader, int] | None:
        if path not in self._readers:
            file.seek(0)
            first = file.readline(CHUNK)
            if not first.endswith(b"\n") and not self._is_complete(path, file):
                return None
            try:
                self._readers[path] = self._lines(path, first)
            except ConfigurationError as error:
                self._say_once(path, str(error))
                return None
        return self._readers[path]

    async def _take(self, path: Path, file: BinaryIO, place: Place, door: Door) -> bool:
        reader, header = self._readers[path]
        piece = next_piece(file, place, header, self._is_complete(path, file))
        if piece is None:
            return False
        if piece.too_long:
            door.refuse(f"{path}:{place.line + 1}", EventTooLargeError("the line is longer than an event may be"))
        events = read_lines(door, piece.lines, str(path), reader)
        await door.take_in_time(events, [Cursor(self._name(path, door), piece.after.text())], piece.size)
        self._places[path] = piece.after
        return True

    def _is_complete(self, path: Path, file: BinaryIO) -> bool:
        """Whether it has not grown for so long that its last line is whole, although nothing ends it."""
        size, now_s = file.seek(0, 2), asyncio.get_running_loop().time()
        known, since_s = self._sizes.get(path, (-1, now_s))
        if size != known:
            since_s = now_s
        self._sizes[path] = (size, since_s)
        return now_s - since_s >= self._watch.complete_after_s

    def _name(self, path: Path, door: Door) -> str:
        return f"{door.name}:{path.relative_to(self._watch.folder)}"

    def _say_once(self, path: Path, reason: str) -> None:
        if path not in self._spoiled:
            self._spoiled.add(path)
            log.warning("file_passed_by", file=str(path), reason=reason)
