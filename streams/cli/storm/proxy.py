"""A TCP proxy that breaks links on purpose: delay, jitter, bandwidth, cuts, silence, resets. On loopback only.

One thread runs all links; `Proxies` may be called from any other.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Any, Self, TypeVar

from streams.cli.storm.weather import FAIR, Weather

T = TypeVar("T")
_PIECE = 64 * 1024
_AHEAD = 64
_ANSWER_S = 10.0
# close() then sends a reset instead of what is left.
_AT_ONCE = struct.pack("ii", 1, 0)
Piece = tuple[float, bytes]


class Link:
    """One port in front of another. Everything runs in the loop of its `Proxies`."""

    def __init__(self, target: int, dice: Random) -> None:
        self.weather = FAIR
        self.passed = 0
        """Bytes passed on, both ways."""
        self.cut = 0
        """Connections reset on purpose."""
        self._target = target
        self._dice = dice
        self._changed = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> int:
        """Start; the port it listens on."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def change(self, weather: Weather) -> None:
        """From now on, for open connections too."""
        self.weather = weather
        self._changed.set()
        self._changed = asyncio.Event()

    def reset(self) -> None:
        """Reset every open connection."""
        for writer in list(self._open):
            _reset(writer)

    def close(self) -> None:
        """Listen no more and drop what is open."""
        if self._server is not None:
            self._server.close()
        self.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.weather.refuses:
                self.cut += 1
                return
            await self._pass_silence()
            await self._join(reader, writer)
        except OSError:
            pass  # the server is not there: the client is told so by the reset below
        finally:
            self._open.discard(writer)
            _reset(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._open.add(far_writer)
        ways = [
            asyncio.ensure_future(self._carry(reader, far_writer, writer)),
            asyncio.ensure_future(self._carry(far_reader, writer, None)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open.discard(far_writer)
            # In order, so that what was passed on is taken in: the server learns of the end after it.
            far_writer.close()

    async def _carry(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, client: Any) -> None:
        """One direction, until one side ends or the link is cut. `client` is given for the way to the server."""
        pieces: asyncio.Queue[Piece] = asyncio.Queue(_AHEAD)
        reading = asyncio.ensure_future(self._read(reader, pieces))
        total = 0
        try:
            while (piece := await pieces.get())[1]:
                if await self._deliver(piece, to, client, total):
                    self.cut += 1
                    return
                total += len(piece[1])
        except OSError:
            return
        finally:
            reading.cancel()

    async def _read(self, reader: asyncio.StreamReader, pieces: asyncio.Queue[Piece]) -> None:
        clock = asyncio.get_running_loop().time
        data = b"first"
        while data:
            try:
                data = await reader.read(_PIECE)
            except OSError:
                data = b""
            held_s = self.weather.delay_s + self._dice.random() * self.weather.jitter_s
            await pieces.put((clock() + held_s, data))

    async def _deliver(self, piece: Piece, to: asyncio.StreamWriter, client: Any, total: int) -> bool:
        """Pass a piece on when it is due; whether the link is to be cut after it."""
        due, data = piece
        if (wait_s := due - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait_s)
        await self._pass_silence()
        if self.weather.bytes_per_s:
            await asyncio.sleep(len(data) / self.weather.bytes_per_s)
        cut_on = self._takes_cut(data) if client is not None else False
        left = self.weather.cut_after - total if self.weather.cut_after else len(data)
        to.write(data[: max(0, left)])
        if cut_on:
            _reset(client)
        await to.drain()
        self.passed += len(data)
        return cut_on or left < len(data)

    def _takes_cut(self, data: bytes) -> bool:
        weather = self.weather
        if not weather.cut_on or weather.cut_on not in data or self.weather.cuts < 1:
            return False
        # Counted down in place: the next connection has one cut less.
        self.weather = Weather(cut_on=weather.cut_on, cuts=weather.cuts - 1)
        return True

    async def _pass_silence(self) -> None:
        while self.weather.is_silent:
            await self._changed.wait()


class Proxies:
    """Links by name, in a thread of their own. `with` it, or `close` it."""

    def __init__(self, seed: int = 0) -> None:
        self._dice = Random(seed)  # noqa: S311  (no secret)
        self._links: dict[str, Link] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def port_of(self, name: str, target: int) -> int:
        """A new link to a port; the port to connect to instead."""

        async def listen() -> int:
            link = self._links[name] = Link(target, Random(self._dice.random()))  # noqa: S311  (no secret)
            return await link.listen()

        return self._run(listen())

    def names(self, prefix: str = "") -> list[str]:
        """The links whose names begin so."""
        return sorted(name for name in self._links if name.startswith(prefix))

    def change(self, prefix: str, weather: Weather) -> None:
        """The weather of every link whose name begins so."""
        for name in self.names(prefix):
            self._call(self._links[name].change, weather)

    def reset(self, prefix: str) -> None:
        """Reset what is open on every link whose name begins so."""
        for name in self.names(prefix):
            self._call(self._links[name].reset)

    def cuts(self, prefix: str = "") -> int:
        """Connections reset on purpose so far."""
        return sum(self._links[name].cut for name in self.names(prefix))

    def passed(self, prefix: str = "") -> int:
        """Bytes passed on so far."""
        return sum(self._links[name].passed for name in self.names(prefix))

    def close(self) -> None:
        """End all links."""
        if self._loop.is_closed():
            return
        for link in self._links.values():
            self._call(link.close)
        with suppress(TimeoutError):
            self._run(_end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)
        self._loop.close()

    def _call(self, what: Any, *arguments: Any) -> None:
        async def call() -> None:
            what(*arguments)

        self._run(call())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_S)


async def _end_tasks() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once, with a reset."""
    connection = writer.transport.get_extra_info("socket")
    with suppress(OSError, AttributeError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()
