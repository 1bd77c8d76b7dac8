"""The board over HTTP without a database."""

import asyncio
import threading

import requests
from aiohttp import web

from connectors.board.gauges import Gauges
from connectors.board.memory import Answers
from connectors.board.server import BoardPages
from tests.support.board import Eye, feed_of


class Served:
    """The board over HTTP in a thread of its own, with an eye that the test holds."""

    def __init__(self, said: Answers) -> None:
        self.eye = Eye(said)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    async def _start(self) -> str:
        self.feed = feed_of(self.eye, turn_s=0.05)
        self._reading = asyncio.ensure_future(self.feed.run())
        self._runner = web.AppRunner(
            BoardPages(self.feed, Gauges("test"), most_viewers=2).application(), access_log=None
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def end(self) -> None:
        async def end() -> None:
            self._reading.cancel()
            await self._runner.cleanup()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def watch(self) -> requests.Response:
        """The stream, as it begins; to be closed."""
        return self.get("/api/v1/stream", stream=True)

    def get(self, path: str, **options: object) -> requests.Response:
        return requests.get(self.url + path, timeout=10, **options)  # type: ignore[arg-type]
