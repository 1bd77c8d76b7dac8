"""Files that were announced: kept in the spool with the announcement, fetched, taken once, and given up in words.

What waits is a cursor of the spool, written before the sender of the notification hears yes; so a kill forgets none.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from connectors.edge.door import Door
from connectors.edge.event import Offered
from connectors.edge.spool import Cursor
from connectors.network.decoded import MEASUREMENT, Undecoded
from connectors.network.offers import offers
from connectors.network.records import Origin
from connectors.network.subjects import Subjects
from connectors.pm_inbox.errors import NotAllowedError, NotFetchedError
from connectors.pm_inbox.taking import opened, take_file
from connectors.pm_inbox.whence import Whence
from connectors.ves.file_ready import Announced

_FIRST_S: Final = 2.0
_LONGEST_S: Final = 300.0
# So long a notification that is repeated is known again. Later the worker knows the file's events.
_REMEMBERED: Final = timedelta(days=1)


class Wanted(msgspec.Struct, frozen=True):
    """A file that was announced, since when we know, and how much of which content was taken. `whole`: we are done."""

    location: str
    element: str
    since: datetime
    digest: str = ""
    taken: int = 0
    whole: bool = False


class Fetcher:
    """`expect` when a notification comes; `run` beside it. One file at a time, the longest known first."""

    def __init__(self, whence: Whence, subjects: Subjects, give_up_after: timedelta) -> None:
        self._whence = whence
        self._subjects = subjects
        self._give_up_after = give_up_after
        self._wanted: dict[str, Wanted] = {}
        self._next_s: dict[str, tuple[float, float]] = {}
        self._came = asyncio.Event()

    def expect(self, announced: Iterable[Announced], door: Door) -> tuple[dict[str, Wanted], list[Cursor]]:
        """What is new of it, and the cursors that keep it; `begin` with it once these are in the spool."""
        now = datetime.now(UTC)
        new = {one.key: Wanted(one.location, one.element, now) for one in announced if one.key not in self._wanted}
        return new, [*(_cursor(door, key, wanted) for key, wanted in new.items()), *self._forgotten(door, now)]

    def begin(self, new: dict[str, Wanted]) -> None:
        """The spool has them: fetch."""
        self._wanted |= new
        if new:
            self._came.set()

    async def run(self, door: Door) -> None:
        """Until cancelled."""
        start = len(_name(door, ""))
        kept = await door.cursors(_name(door, ""))
        self._wanted |= {name[start:]: msgspec.json.decode(text, type=Wanted) for name, text in kept.items()}
        while True:
            self._came.clear()
            waiting = [key for key, wanted in self._wanted.items() if not wanted.whole]
            door.files_wait(len(waiting))
            for key in waiting:
                await self._try(key, door)
            await self._rest()

    async def _rest(self) -> None:
        now_s = asyncio.get_running_loop().time()
        due_s = min((at_s for at_s, _ in self._next_s.values()), default=now_s + _LONGEST_S)
        try:
            await asyncio.wait_for(self._came.wait(), max(0.05, due_s - now_s))
        except TimeoutError:
            return

    async def _try(self, key: str, door: Door) -> None:
        loop = asyncio.get_running_loop()
        due_s, pause_s = self._next_s.get(key, (0.0, _FIRST_S))
        if loop.time() < due_s:
            return
        wanted = self._wanted[key]
        try:
            await self._fetch(key, wanted, door)
        except NotAllowedError as error:
            await self._give_up(key, wanted, str(error), door)
        except (NotFetchedError, OSError) as error:
            if datetime.now(UTC) - wanted.since > self._give_up_after:
                await self._give_up(key, wanted, f"given up after {self._give_up_after}: {error}", door)
                return
            if key not in self._next_s:
                door.fail("not_fetched", wanted.location, f"{error}; asked for again")
            self._next_s[key] = (loop.time() + pause_s, min(2 * pause_s, _LONGEST_S))
        else:
            self._next_s.pop(key, None)

    async def _fetch(self, key: str, wanted: Wanted, door: Door) -> None:
        # In a thread: a share that hangs must not hold the rest of the gateway.
        local = await asyncio.to_thread(self._whence.local, wanted.location)
        if local is not None:
            await self._take(key, local, door)
            return
        url = self._whence.url(wanted.location)
        if url is None:
            self._whence.check(wanted.location)
            raise NotFetchedError(f"not yet in {self._whence.folder}")
        with tempfile.NamedTemporaryFile(prefix="quaystream-pm-") as file:
            await self._whence.download(url, file)
            file.flush()
            await self._take(key, Path(file.name), door)

    async def _take(self, key: str, path: Path, door: Door) -> None:
        file = await opened(path, self._subjects)
        before = self._wanted[key]
        after = before.taken if before.digest == file.digest else 0

        def marks(taken: int, whole: bool) -> list[Cursor]:
            self._wanted[key] = msgspec.structs.replace(before, digest=file.digest, taken=taken, whole=whole)
            return [_cursor(door, key, self._wanted[key])]

        await take_file(door, path, file, after, marks)

    async def _give_up(self, key: str, wanted: Wanted, why: str, door: Door) -> None:
        """The ledger knows it too: an event without measurements, which the worker keeps as a dead letter."""
        self._next_s.pop(key, None)
        door.fail("not_fetched", wanted.location, why)
        done = msgspec.structs.replace(wanted, whole=True)
        await door.take_in_time(self._lost(key, wanted, why), [_cursor(door, key, done)])
        self._wanted[key] = done
        door.done_with_file("not_fetched")

    def _lost(self, key: str, wanted: Wanted, why: str) -> Sequence[Offered]:
        part = {"fileLocation": wanted.location}
        told = Undecoded(f"announced file: {why}", part, MEASUREMENT, wanted.element, wanted.since)
        return list(offers([told], Origin("/ves/file-ready", key), self._subjects))

    def _forgotten(self, door: Door, now: datetime) -> list[Cursor]:
        over = [key for key, wanted in self._wanted.items() if wanted.whole and now - wanted.since > _REMEMBERED]
        for key in over:
            del self._wanted[key]
        return [Cursor(_name(door, key), None) for key in over]


def _name(door: Door, key: str) -> str:
    return f"{door.name}:announced:{key}"


def _cursor(door: Door, key: str, wanted: Wanted) -> Cursor:
    return Cursor(_name(door, key), msgspec.json.encode(wanted).decode())
