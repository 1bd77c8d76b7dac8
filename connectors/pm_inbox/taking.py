"""One PM file into the spool, some reports at a time; how far it was taken is kept in the same transaction.

So a kill at any moment neither loses a report nor takes one twice, and a file of any size needs little memory.
"""

import asyncio
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from connectors.edge.door import Door
from connectors.edge.errors import InvalidEventError
from connectors.edge.event import Offered
from connectors.edge.spool import Cursor
from connectors.network.files import NetworkFile
from connectors.network.subjects import Subjects

_REPORTS: Final = 200
_VALUES: Final = 5_000


class Marks(Protocol):
    """How far a file is taken, as the cursors that say so."""

    def __call__(self, taken: int, *, whole: bool) -> list[Cursor]: ...


async def opened(path: Path, subjects: Subjects) -> NetworkFile:
    """The file, known by a digest of its content. Raises OSError."""
    return await asyncio.to_thread(NetworkFile, path, "pm-xml", subjects)


async def take_file(door: Door, path: Path, file: NetworkFile, after: int, marks: Marks) -> None:
    """All parts behind the first `after`. Waits while the spool is full. Raises OSError when the file goes away."""
    taken, batch, values = after, [], 0
    for offered in islice(file.offers(), after, None):
        batch.append(offered)
        taken += 1
        values += _told(door, path, offered)
        if len(batch) >= _REPORTS or values >= _VALUES:
            await door.take_in_time(batch, marks(taken, whole=False))
            batch, values = [], 0
    await door.take_in_time(batch, marks(taken, whole=True), (await asyncio.to_thread(path.stat)).st_size)
    door.note(str(path), file.notes)
    door.done_with_file("taken")


def _told(door: Door, path: Path, offered: Offered) -> int:
    """How many values the event has; one that could not be decoded is said."""
    data: dict[str, Any] = offered.event["data"]
    if "undecoded" in offered.event:
        door.refuse(str(path), InvalidEventError(offered.event["undecoded"]))
    measurements = data.get("measurements")
    return len(measurements) if isinstance(measurements, list) else 1
