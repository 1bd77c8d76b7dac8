"""The board over HTTP: the API, its stream, its document, the page's files, and the three pages of every process."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

import msgspec
from aiohttp import web

from connectors.board.feed import Feed
from connectors.board.gauges import Gauges
from schemas.board import Problem
from schemas.generate import openapi

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOST_VIEWERS: Final = 200
PAGE: Final = files("connectors.board") / "page"
_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# Nothing from elsewhere, nothing inline, in nobody's frame.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class BoardPages:
    """The routes. Reads only: every other method is answered with 405."""

    def __init__(self, feed: Feed, gauges: Gauges, most_viewers: int = MOST_VIEWERS) -> None:
        self._feed = feed
        self._gauges = gauges
        self._most_viewers = most_viewers

    def application(self) -> web.Application:
        """The routes, with the page's files read into memory."""
        application = web.Application(middlewares=[_problems])
        application.on_shutdown.append(self._let_go)
        add = application.router.add_get
        add(f"{openapi.PREFIX}/port", self._port)
        add(f"{openapi.PREFIX}/sites/{{site}}", self._site)
        add(f"{openapi.PREFIX}/stream", self._stream)
        add(f"{openapi.PREFIX}/openapi.json", _fixed(openapi.text().encode(), "application/json"))
        add("/metrics", self._metrics)
        add("/livez", _fixed(b"ok\n", "text/plain"))
        add("/readyz", self._ready)
        for entry in PAGE.iterdir():
            suffix = entry.name[entry.name.rfind(".") :]
            if suffix in _TYPES:
                path = "/" if entry.name == "index.html" else f"/{entry.name}"
                add(path, _fixed(entry.read_bytes(), _TYPES[suffix]))
        return application

    async def _let_go(self, _: web.Application) -> None:
        self._feed.end()

    async def _port(self, _: web.Request) -> web.Response:
        port = await self._feed.port()
        return self._away() if port is None else _answer(port)

    async def _site(self, request: web.Request) -> web.Response:
        port = await self._feed.port()
        if port is None:
            return self._away()
        name = request.match_info["site"]
        site = next((site for site in port.sites if site.site == name), None)
        return _problem(404, "No such site", f"no site is called {name}") if site is None else _answer(site)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self._feed.viewers >= self._most_viewers:
            return _problem(503, "Too many viewers", f"{self._most_viewers} screens watch already")
        response = web.StreamResponse(
            headers={**_HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        async with self._feed.watch() as events:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            try:
                while (event := await events.get()) is not None:
                    await response.write(event)
            except ConnectionError:
                pass  # the screen was switched off
            return response

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._gauges.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def _ready(self, _: web.Request) -> web.Response:
        await self._feed.port()
        problem = self._feed.problem
        return web.Response(text=(problem or "ok") + "\n", status=200 if problem is None else 503)

    def _away(self) -> web.Response:
        return _problem(503, "Nothing could be read", self._feed.problem or "the database does not answer")


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What aiohttp itself refuses, in the form of everything else."""
    try:
        return await handler(request)
    except web.HTTPException as refused:
        if refused.status < 400:
            raise
        answer = _problem(refused.status, refused.reason, f"{request.method} {request.path}")
        if "Allow" in refused.headers:
            answer.headers["Allow"] = refused.headers["Allow"]
        return answer


def _fixed(body: bytes, content_type: str) -> Handler:
    async def page(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers=_HEADERS)

    return page


def _answer(value: msgspec.Struct) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", headers=_HEADERS)


def _problem(status: int, title: str, detail: str) -> web.Response:
    body = msgspec.json.encode(Problem(title=title, status=status, detail=detail))
    return web.Response(body=body, status=status, content_type="application/problem+json", headers=_HEADERS)
