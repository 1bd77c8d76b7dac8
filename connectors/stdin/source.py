"""JSON lines from a pipe: one event a line, in order. Ends with the input; what was read and not yet kept, a kill loses."""

import asyncio
import sys
from typing import Final

from connectors.edge.door import Door, event_of, read_lines

_CHUNK: Final = 256 * 1024
_LONGEST: Final = 2 * 1024 * 1024


class StdinSource:
    """Reads as fast as the spool takes, so a full spool stops the writer of the pipe."""

    def __init__(self, pipe: object = None) -> None:
        self._pipe = pipe
        self._number = 0

    async def run(self, door: Door) -> None:
        """Until the input ends."""
        reader = asyncio.StreamReader(limit=_LONGEST)
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, self._pipe or sys.stdin)
        rest = b""
        while chunk := await reader.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            await self._take(door, lines)
            if len(rest) > _LONGEST:
                await self._take(door, [rest[:_LONGEST]])
                rest = b""
        await self._take(door, [rest])

    async def _take(self, door: Door, lines: list[bytes]) -> None:
        numbered = list(enumerate(lines, start=self._number + 1))
        self._number += len(lines)
        events = read_lines(door, numbered, "stdin", lambda _, line: event_of(line))
        if events or door.has_letters:
            await door.take_in_time(events, size=sum(map(len, lines)))
