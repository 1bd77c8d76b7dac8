"""Watches a folder for whole PM files. Files are only read, never moved or removed; each content is taken once."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from connectors.edge.door import Door
from connectors.edge.spool import Cursor
from connectors.network.subjects import Subjects
from connectors.pm_inbox.taking import opened, take_file

log = structlog.get_logger()

# A share that is away for a while must not make us forget what was on it.
_FORGET_AFTER_S: Final = timedelta(days=1).total_seconds()


class Place(msgspec.Struct, frozen=True):
    """How far a file was taken: its stamp (bytes, nanoseconds of its last change), its digest, parts, and whether all."""

    stamp: tuple[int, int]
    digest: str
    taken: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """Which files, how often they are looked at, and how long one must rest before it is whole (seconds)."""

    folder: Path
    pattern: str
    poll_s: float
    complete_after_s: float


class PmInbox:
    """Takes files in the order of their names, one after the other."""

    def __init__(self, watch: Watch, subjects: Subjects) -> None:
        self._watch = watch
        self._subjects = subjects
        self._places: dict[str, Place] = {}
        self._resting: dict[str, tuple[tuple[int, int], float]] = {}
        self._missing: dict[str, float] = {}
        self._said: set[str] = set()

    async def run(self, door: Door) -> None:
        """Until cancelled."""
        kept = await door.cursors(_cursor_name(door, ""))
        start = len(_cursor_name(door, ""))
        self._places = {name[start:]: msgspec.json.decode(text, type=Place) for name, text in kept.items()}
        while True:
            # In a thread: a share that hangs must not hold the rest of the gateway.
            found = await asyncio.to_thread(self._look)
            waiting = [name for name, stamp in found.items() if not self._is_taken(name, stamp)]
            door.files_wait(len(waiting))
            for name in waiting:
                if self._is_at_rest(name, found[name]):
                    await self._take(name, found[name], door)
            await self._forget(found, door)
            await asyncio.sleep(self._watch.poll_s)

    def _look(self) -> dict[str, tuple[int, int]]:
        """The files that are there, with their stamps, by name."""
        found = {}
        for path in sorted(self._watch.folder.glob(self._watch.pattern)):
            try:
                if path.is_file():
                    state = path.stat()
                    found[str(path.relative_to(self._watch.folder))] = (state.st_size, state.st_mtime_ns)
            except OSError:
                # Taken away while we looked.
                continue
        return found

    def _is_taken(self, name: str, stamp: tuple[int, int]) -> bool:
        place = self._places.get(name)
        return place is not None and place.whole and place.stamp == stamp

    def _is_at_rest(self, name: str, stamp: tuple[int, int]) -> bool:
        now_s = asyncio.get_running_loop().time()
        known, since_s = self._resting.get(name, (None, now_s))
        if known != stamp:
            since_s = now_s
        self._resting[name] = (stamp, since_s)
        return now_s - since_s >= self._watch.complete_after_s

    async def _take(self, name: str, stamp: tuple[int, int], door: Door) -> None:
        path = self._watch.folder / name
        try:
            file = await opened(path, self._subjects)
            before = self._places.get(name)
            after = before.taken if before is not None and before.digest == file.digest else 0

            def marks(taken: int, whole: bool) -> list[Cursor]:
                self._places[name] = Place(stamp, file.digest, taken, whole)
                return [Cursor(_cursor_name(door, name), msgspec.json.encode(self._places[name]).decode())]

            await take_file(door, path, file, after, marks)
        except OSError as error:
            self._say_once(name, f"cannot be read ({error.strerror})")
        else:
            self._resting.pop(name, None)
            self._said.discard(name)

    async def _forget(self, found: dict[str, tuple[int, int]], door: Door) -> None:
        now_s = asyncio.get_running_loop().time()
        gone = [name for name in self._places if name not in found]
        self._missing = {name: self._missing.get(name, now_s) for name in gone}
        self._resting = {name: seen for name, seen in self._resting.items() if name in found}
        over = [name for name, since_s in self._missing.items() if now_s - since_s > _FORGET_AFTER_S]
        if over:
            await door.take_in_time([], [Cursor(_cursor_name(door, name), None) for name in over])
        for name in over:
            del self._places[name]

    def _say_once(self, name: str, reason: str) -> None:
        if name not in self._said:
            self._said.add(name)
            log.warning("file_passed_by", file=str(self._watch.folder / name), reason=reason)


def _cursor_name(door: Door, name: str) -> str:
    return f"{door.name}:file:{name}"
