"""One look for all viewers, none without any; whoever cannot keep up gets the whole; silence is said, not hidden."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from connectors.board.feed import Feed
from tests.support.board import CRANE, NOW, SITE, Eye, answers, feed_of


@asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[None]:
    task = asyncio.ensure_future(feed.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def told(queue: "asyncio.Queue[bytes | None]") -> tuple[str, dict[str, Any]]:
    event = await asyncio.wait_for(queue.get(), 5)
    assert event is not None
    kind, data = event.decode().strip().split("\n")
    return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


async def test_all_viewers_share_one_look_a_turn() -> None:
    eye = Eye()
    feed = feed_of(eye, turn_s=0.1)
    async with running(feed), feed.watch() as one, feed.watch() as other, feed.watch() as third:
        for _ in range(5):
            await asyncio.gather(told(one), told(other), told(third))
        # The first event of each is of the one look that was made when they came.
        assert (eye.looks, feed.viewers) == (5, 3)


async def test_nobody_watching_is_nobody_asking() -> None:
    eye = Eye()
    feed = feed_of(eye)
    async with running(feed):
        async with feed.watch() as queue:
            await told(queue)
        asked = eye.looks
        for _ in range(20):
            await asyncio.sleep(0)
        assert (eye.looks, feed.viewers) == (asked, 0)


async def test_the_whole_comes_first_then_only_what_changed() -> None:
    eye = Eye()
    feed = feed_of(eye)
    async with running(feed), feed.watch() as queue:
        _, first = await told(queue)
        assert (first["whole"], [site["site"] for site in first["sites"]]) == (True, [SITE])
        while (event := await told(queue))[1]["whole"]:
            pass
        assert event == ("change", {**event[1], "sites": []})
        eye.given = answers(status=[{"asset_id": CRANE, "time": NOW, "status": "idle"}])
        while not (event := await told(queue))[1]["sites"]:
            pass
        assert event[1]["sites"][0]["cranes"][0]["status"] == "idle"


async def test_a_viewer_that_joins_takes_no_change_from_the_others() -> None:
    eye = Eye()
    feed = feed_of(eye)
    async with running(feed), feed.watch() as queue:
        while (await told(queue))[1]["whole"]:
            pass
        eye.given = answers(status=[{"asset_id": CRANE, "time": NOW, "status": "idle"}])
        async with feed.watch():
            while not (await told(queue))[1]["sites"]:
                pass


async def test_a_database_that_is_away_is_said_every_turn_and_ends() -> None:
    eye = Eye()
    feed = feed_of(eye)
    async with running(feed), feed.watch() as queue:
        await told(queue)
        eye.is_away = True
        while (await told(queue))[0] != "trouble":
            pass
        assert (await told(queue))[0] == "trouble"
        assert await feed.port() is None
        eye.is_away = False
        while (await told(queue))[0] != "change":
            pass
        assert feed.problem is None


async def test_a_viewer_that_sleeps_gets_the_whole_when_it_wakes() -> None:
    feed = feed_of(Eye())
    async with running(feed), feed.watch() as sleeper:
        await until(sleeper.full)
        await until(lambda: not sleeper.full())
        assert (await told(sleeper))[1]["whole"]


async def test_an_end_lets_every_viewer_go() -> None:
    feed = feed_of(Eye())
    async with feed.watch() as queue:
        await told(queue)
        feed.end()
        assert await asyncio.wait_for(queue.get(), 5) is None
