"""One look a second for all viewers together: none while nobody watches. Each change is encoded once and handed to all."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

import msgspec
import structlog

from connectors.board.gauges import Gauges
from connectors.board.memory import Answers, Memory, remember
from connectors.board.port import port_of
from schemas.board import Change, Port, Site
from schemas.errors import QuaystreamError

log = structlog.get_logger()

TURN_S: Final = 0.6
QUEUE: Final = 30


class Looks(Protocol):
    """Where answers come from: connectors.board.look, or a test. Raises QuaystreamError while there are none."""

    async def look(self) -> Answers: ...


class Feed:
    """The port as last read, and a stream of its changes. `run` must run beside who uses it."""

    def __init__(self, looks: Looks, gauges: Gauges, turn_s: float = TURN_S) -> None:
        self._looks = looks
        self._gauges = gauges
        self._turn_s = turn_s
        self._memory = Memory()
        self._port: Port | None = None
        self._told: dict[str, Site] = {}
        self._read_at = -1e9
        self._viewers: set[asyncio.Queue[bytes | None]] = set()
        self._somebody = asyncio.Event()
        self._turn = asyncio.Lock()
        self.problem: str | None = "nothing was read yet"

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    async def port(self) -> Port | None:
        """The port, read anew when what is here is older than a turn; None while the database does not answer."""
        async with self._turn:
            if time.monotonic() - self._read_at >= self._turn_s:
                await self._read()
        return self._port if self.problem is None else None

    async def start(self) -> None:
        """The first look; raises QuaystreamError where the database cannot be read at all."""
        await self._look()

    def end(self) -> None:
        """Let every viewer go: None is the last event."""
        for queue in self._viewers:
            _hand(queue, None, None)

    async def run(self) -> None:
        """Read and tell, once a turn, for as long as anybody watches."""
        while True:
            await self._somebody.wait()
            began = time.monotonic()
            async with self._turn:
                await self._read()
                self._tell()
            await asyncio.sleep(max(0.05, self._turn_s - (time.monotonic() - began)))

    @asynccontextmanager
    async def watch(self) -> AsyncIterator["asyncio.Queue[bytes | None]"]:
        """Encoded events: the whole port first, then what changes. A viewer that does not keep up gets the whole again."""
        port = await self.port()
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=QUEUE)
        if port is not None:
            queue.put_nowait(_event(port, port.sites, whole=True))
        self._viewers.add(queue)
        self._somebody.set()
        self._gauges.viewers(self.viewers)
        try:
            yield queue
        finally:
            self._viewers.discard(queue)
            self._gauges.viewers(self.viewers)
            if not self._viewers:
                self._somebody.clear()

    async def _read(self) -> None:
        try:
            await self._look()
        except QuaystreamError as error:
            if self.problem is None:
                log.warning("cannot read", problem=str(error))
            self.problem = str(error)
            self._gauges.failed()

    async def _look(self) -> None:
        began = time.monotonic()
        answers = await self._looks.look()
        self._memory = remember(self._memory, answers)
        self._port = port_of(self._memory, answers)
        self._read_at = time.monotonic()
        self.problem = None
        self._gauges.read(self._read_at - began)

    def _tell(self) -> None:
        if self._port is None or self.problem is not None:
            event = b"event: trouble\ndata: {}\n\n"
        else:
            now = {site.site: site for site in self._port.sites}
            changed = [site for name, site in now.items() if self._told.get(name) != site]
            event = _event(self._port, changed, whole=set(now) != set(self._told))
            self._told = now
        for queue in self._viewers:
            _hand(queue, event, self._port)


def _hand(queue: "asyncio.Queue[bytes | None]", event: bytes | None, port: Port | None) -> None:
    if not queue.full():
        queue.put_nowait(event)
        return
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(event if port is None else _event(port, port.sites, whole=True))


def _event(port: Port, sites: list[Site], *, whole: bool) -> bytes:
    change = Change(at=port.at, pipeline=port.pipeline, sites=sites, whole=whole)
    return b"event: change\ndata: " + msgspec.json.encode(change) + b"\n\n"
