"""A web server that answers 202 when the spool has every event of the request, and only then.

400: something in it will never be accepted (nothing of it was taken). 401: no token. 413: too large.
503: not now; nothing was taken, come back after `Retry-After` seconds.
"""

import hmac
from collections import Counter
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from connectors.cloudevents_http.reading import events_in, messages_in
from connectors.edge.door import Door
from connectors.edge.errors import EventTooLargeError, InvalidEventError, SpoolFailedError, SpoolRefusedError
from connectors.edge.event import Offered
from connectors.edge.listening import Listening, serve
from connectors.messages.said import Decode
from schemas.errors import ConfigurationError

RETRY_AFTER_S: Final = 5
# Requests at work at once: with their bodies they are the source's memory.
MOST_REQUESTS: Final = 256


class HttpSource:
    """Listens until cancelled; requests that have begun are answered."""

    def __init__(
        self, path: str, listening: Listening, token_file: Path | None = None, decode: Decode | None = None
    ) -> None:
        self._path = path
        self._listening = listening
        self._token_file = token_file
        self._decode = decode

    async def run(self, door: Door) -> None:
        """Raises ConfigurationError when the port or a file cannot be used."""
        application = web.Application(client_max_size=self._listening.max_body_bytes)
        application.router.add_post(self._path, _Page(door, _token(self._token_file), self._decode).answer)
        await serve(door, self._listening, application)


class _Page:
    def __init__(self, door: Door, token: str | None, decode: Decode | None) -> None:
        self._door = door
        self._token = token
        self._decode = decode
        self._at_work = 0

    async def answer(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return web.Response(status=401, text="a bearer token is needed\n", headers={"WWW-Authenticate": "Bearer"})
        if self._at_work >= MOST_REQUESTS:
            return _later("too many requests at once")
        self._at_work += 1
        try:
            return await self._take(request)
        finally:
            self._at_work -= 1

    async def _take(self, request: web.Request) -> web.Response:
        place = f"http {request.remote}"
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            self._door.refuse(place, EventTooLargeError("the request is larger than max_body_bytes"))
            return web.Response(status=413, text=f"{error.text}\n")
        try:
            return await self._keep(request, body, place)
        except (SpoolRefusedError, SpoolFailedError) as error:
            return _later(str(error))

    async def _keep(self, request: web.Request, body: bytes, place: str) -> web.Response:
        notes: Counter[str] = Counter()
        try:
            await self._door.take(self._events(request, body, notes), size=len(body))
        except InvalidEventError as error:
            await self._door.refuse_now(place, error, body)
            return web.Response(status=413 if isinstance(error, EventTooLargeError) else 400, text=f"{error}\n")
        self._door.note(place, notes)
        return web.Response(status=202)

    def _events(self, request: web.Request, body: bytes, notes: Counter[str]) -> list[Offered]:
        kind = request.content_type if "Content-Type" in request.headers else ""
        found = messages_in(body, self._decode, notes) if self._decode else events_in(kind, request.headers, body)
        return [
            self._checked(event, f"event {n}: " if len(found) > 1 else "", len(body)) for n, event in enumerate(found)
        ]

    def _checked(self, event: dict[str, Any], where: str, size: int) -> Offered:
        # The binding asks for an id: without one a client that did not hear our answer could not ask again.
        if "id" not in event:
            raise InvalidEventError(f"{where}attribute id is missing or not a text")
        try:
            return self._door.check(event, size)
        except InvalidEventError as error:
            raise type(error)(f"{where}{error}") from error

    def _may(self, request: web.Request) -> bool:
        if self._token is None:
            return True
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())


def _later(why: str) -> web.Response:
    return web.Response(status=503, text=f"{why}\n", headers={"Retry-After": str(RETRY_AFTER_S)})


def _token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read token_file {file}: name a readable text file") from error
    if not token:
        raise ConfigurationError(f"token_file {file} is empty: write the token into it")
    return token
