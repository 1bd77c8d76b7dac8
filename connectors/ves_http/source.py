"""The event listener: answers 202 when the spool has everything of the request, and only then (VES 7.2.1, section 6).

Any other answer says that nothing was taken. Files that a request announces are in the spool as wanted before the 202, and
fetched after it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final

from aiohttp import web

from connectors.edge.door import Door
from connectors.edge.errors import EventTooLargeError, InvalidEventError, SpoolFailedError, SpoolRefusedError
from connectors.edge.listening import Listening, serve
from connectors.network.subjects import Subjects
from connectors.pm_inbox.fetching import Fetcher
from connectors.ves_http.answers import (
    VERSION,
    AnswerError,
    bad_part,
    later,
    of_the_server,
    too_large,
    unauthorised,
)
from connectors.ves_http.kinds import Need
from connectors.ves_http.reading import Root, read
from connectors.ves_http.users import Users

PATH: Final = "/eventListener/v7"
# Requests at work at once: with their bodies they are the source's memory.
MOST_REQUESTS: Final = 256
_MINORS: Final = frozenset({"0", "1", "2"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class VesSource:
    """Listens until cancelled; requests that have begun are answered."""

    def __init__(
        self, listening: Listening, need: Need, subjects: Subjects, users: Users | None, fetcher: Fetcher | None
    ) -> None:
        self._listening = listening
        self._need = need
        self._subjects = subjects
        self._users = users
        self._fetcher = fetcher

    async def run(self, door: Door) -> None:
        """Raises ConfigurationError when the port or a file cannot be used."""
        page = _Page(door, self._need, self._subjects, self._users, self._fetcher)
        application = web.Application(
            client_max_size=self._listening.max_body_bytes, middlewares=[page.speaks_the_standard]
        )
        application.router.add_post(PATH, partial(page.take, "event"))
        application.router.add_post(f"{PATH}/eventBatch", partial(page.take, "eventList"))
        await _together(
            serve(door, self._listening, application), *([self._fetcher.run(door)] if self._fetcher else [])
        )


class _Page:
    def __init__(
        self, door: Door, need: Need, subjects: Subjects, users: Users | None, fetcher: Fetcher | None
    ) -> None:
        self._door = door
        self._need = need
        self._subjects = subjects
        self._users = users
        self._fetcher = fetcher
        self._at_work = 0

    @web.middleware
    async def speaks_the_standard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Whatever is wrong becomes a requestError; every answer is counted."""
        self._at_work += 1
        try:
            self._let_in(request)
            answer = await handler(request)
        except AnswerError as error:
            answer = error.response()
        except web.HTTPRequestEntityTooLarge:
            self._door.refuse(_place(request), EventTooLargeError("the request is larger than max_body_bytes"))
            answer = too_large().response()
        except web.HTTPException as error:
            answer = of_the_server(error.status, error.reason).response()
            answer.headers.update({name: text for name, text in error.headers.items() if name == "Allow"})
        finally:
            self._at_work -= 1
        self._door.answered(answer.status)
        return answer

    async def take(self, root: Root, request: web.Request) -> web.Response:
        if request.content_type != "application/json" or "Content-Type" not in request.headers:
            raise bad_part("Content-Type: send application/json", 415)
        if request.headers.get("X-MinorVersion", "0").strip() not in _MINORS:
            raise bad_part("X-MinorVersion: 0, 1 or 2 of version 7")
        await self._keep(root, await request.read(), _place(request))
        return web.Response(status=202, headers=VERSION)

    async def _keep(self, root: Root, body: bytes, place: str) -> None:
        try:
            found = read(body, root, self._need, self._subjects)
        except AnswerError as error:
            await self._refuse(place, InvalidEventError(error.told), body)
            raise
        for why in found.undecoded:
            self._door.refuse(place, InvalidEventError(why))
        new, cursors = self._fetcher.expect(found.announced, self._door) if self._fetcher else ({}, [])
        try:
            await self._door.take(found.offered, cursors, len(body))
        except EventTooLargeError as error:
            await self._refuse(place, error, body)
            raise too_large() from error
        except (SpoolRefusedError, SpoolFailedError) as error:
            raise later() from error
        self._door.note(place, found.notes)
        if self._fetcher:
            self._fetcher.begin(new)

    async def _refuse(self, place: str, error: InvalidEventError, body: bytes) -> None:
        """The sender is told what is wrong when the request is kept; else to come back, as ever when there is no room."""
        try:
            await self._door.refuse_now(place, error, body)
        except (SpoolRefusedError, SpoolFailedError) as full:
            raise later() from full

    def _let_in(self, request: web.Request) -> None:
        if self._at_work > MOST_REQUESTS:
            raise later()
        if self._users is not None and not self._users.may(request.headers.get("Authorization", "")):
            self._door.fail("unauthorised", _place(request), "no name and password that users_file has")
            raise unauthorised("no valid name and password")


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends, as errors do; then none goes on."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _place(request: web.Request) -> str:
    return f"ves {request.remote}"
