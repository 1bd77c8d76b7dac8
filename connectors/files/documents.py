"""Files that are whole documents: each is read once, when it has not grown for a while, and again when it changed.

What became of a file is kept with its events in one transaction of the spool; its events name themselves, so that
one which is read twice is stored once. Files are only read, never moved or removed.
"""

import asyncio
import hashlib
from collections import Counter
from pathlib import Path
from typing import Final

import structlog

from connectors.edge.door import Door
from connectors.edge.errors import InvalidEventError
from connectors.edge.event import Offered
from connectors.edge.spool import Cursor
from connectors.files.source import Watch
from connectors.messages.records import content_of
from connectors.messages.said import Decode, Untold
from schemas.errors import ConfigurationError

log = structlog.get_logger()

_PARCEL: Final = 200
_Stamp = tuple[int, int]
_UNREADABLE: Final[_Stamp] = (-1, -1)


def _stamp_of(path: Path) -> _Stamp:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


class DocumentsSource:
    """Takes whole files in the order of their names."""

    def __init__(self, watch: Watch, decode: Decode) -> None:
        self._watch = watch
        self._decode = decode
        self._seen: dict[Path, tuple[_Stamp, float]] = {}
        self._done: dict[Path, _Stamp] = {}

    async def run(self, door: Door) -> None:
        """Until cancelled."""
        while True:
            for path in sorted(self._watch.folder.glob(self._watch.pattern)):
                if path.is_file():
                    await self._look(path, door)
            await asyncio.sleep(self._watch.poll_s)

    async def _look(self, path: Path, door: Door) -> None:
        try:
            stamp = _stamp_of(path)
            if self._done.get(path) == stamp or not self._is_complete(path, stamp):
                return
            content = content_of(path)
        except (OSError, ConfigurationError) as error:
            # Taken away while we looked, not ours to read, or too large: said once for as long as it stays so.
            if self._done.get(path) != _UNREADABLE:
                self._done[path] = _UNREADABLE
                log.warning("file_passed_by", file=str(path), reason=str(error))
            return
        name, digest = f"{door.name}:{path.relative_to(self._watch.folder)}", hashlib.sha256(content).hexdigest()[:16]
        if await door.cursor(name) != digest:
            await self._take(content, door, path, Cursor(name, digest))
        self._done[path] = stamp

    async def _take(self, content: bytes, door: Door, path: Path, cursor: Cursor) -> None:
        notes: Counter[str] = Counter()
        parcel: list[Offered] = []
        for position, said in enumerate(self._decode(content, notes), start=1):
            place = f"{path}: {said.place}"
            if isinstance(said, Untold):
                door.refuse(place, InvalidEventError(said.why), said.part)
                continue
            try:
                # Every event is named: a file of which a part was taken before a kill is read from its beginning.
                parcel.append(door.check({"id": f"{cursor.value}-{position}", **said.event}, len(content)))
            except InvalidEventError as error:
                door.refuse(place, error, content)
            if len(parcel) >= _PARCEL:
                await door.take_in_time(parcel)
                parcel = []
        await door.take_in_time(parcel, [cursor], len(content))
        door.note(str(path), notes)

    def _is_complete(self, path: Path, stamp: _Stamp) -> bool:
        """Whether it has not changed for so long that its writer is done."""
        now_s = asyncio.get_running_loop().time()
        known, since_s = self._seen.get(path, (_UNREADABLE, now_s))
        if known != stamp:
            since_s = now_s
        self._seen[path] = stamp, since_s
        return now_s - since_s >= self._watch.complete_after_s
