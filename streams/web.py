"""The worker's three pages, /metrics, /livez and /readyz, and nothing else (Faust's own pages are off)."""

import errno
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import web
from mode import Service

from schemas.errors import ConfigurationError

PORTS = range(6066, 6098)
MEND = "set QUAYSTREAM_WEB_PORT to a free one"
Health = Callable[[], str | None]


class Routes(Protocol):
    """Whatever has pages: `Pages`, or those of the board."""

    def application(self) -> web.Application: ...


class Web(Service):
    """Serves on `bind`; `port` None takes the next free of 6066-6097. `mend` is what to do when the port is taken.

    `metrics` gives the exposition; `alive` and `ready` give None when well, else what is wrong (503).
    """

    def __init__(self, bind: str, port: int | None, pages: Routes, mend: str = MEND, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._mend = mend
        self._bind = bind
        self._ports = PORTS if port is None else (port,)
        self._pages = pages
        self._runner: web.AppRunner | None = None
        self.port: int | None = None

    async def on_start(self) -> None:
        """Listen; raises ConfigurationError when no port is free."""
        self._runner = web.AppRunner(self._pages.application(), access_log=None)
        await self._runner.setup()
        for port in self._ports:
            try:
                await web.TCPSite(self._runner, self._bind, port, reuse_address=True).start()
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                self.port = port
                return
        wanted = f"port {self._ports[0]}" if len(self._ports) == 1 else "every port of 6066-6097"
        raise ConfigurationError(f"{wanted} is taken on {self._bind}: {self._mend}")

    async def on_stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()


class Pages:
    """What the three pages answer."""

    def __init__(self, metrics: Callable[[], bytes], alive: Health, ready: Health) -> None:
        self._metrics = metrics
        self._alive = alive
        self._ready = ready

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application()
        application.router.add_get("/metrics", self._serve_metrics)
        application.router.add_get("/livez", _health_page(self._alive))
        application.router.add_get("/readyz", _health_page(self._ready))
        return application

    async def _serve_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _health_page(health: Health) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def page(_: web.Request) -> web.Response:
        problem = health()
        return web.Response(text=(problem or "ok") + "\n", status=200 if problem is None else 503)

    return page
