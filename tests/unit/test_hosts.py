"""A URL of several servers: each is tried by itself, and what is said of them names no password."""

import asyncio
from typing import Any

import asyncpg
import pytest

from connectors.timescale import hosts
from connectors.timescale.connection import explain
from connectors.timescale.hosts import Hosts, place_of, urls_of

TWO = "postgresql://me:secret@one:5432,two:5433/db?sslmode=disable"
ONE, OTHER = "postgresql://me:secret@one:5432/db?sslmode=disable", "postgresql://me:secret@two:5433/db?sslmode=disable"


class Driver:
    """Answers as told; a server that is told None is silent until its deadline."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[str] = []
        self.answers = answers

    async def __call__(self, url: str, **options: float) -> Any:
        name = url.rpartition("@")[2].partition(":")[0]
        self.asked.append(name)
        answer = self.answers[name]
        if answer is None:
            async with asyncio.timeout(options["timeout"]):
                await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


def told(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> Driver:
    driver = Driver(**answers)
    monkeypatch.setattr(hosts.asyncpg, "connect", driver)
    return driver


def test_a_url_of_two_servers_is_two_urls() -> None:
    assert urls_of(TWO) == (ONE, OTHER)
    assert urls_of(ONE) == (ONE,)


def test_a_place_names_every_server_and_no_password() -> None:
    assert place_of(TWO) == "me@one:5432,two:5433/db"
    assert place_of("postgresql:///db") == "localhost:5432/db"
    assert place_of("postgresql://h/db") == "h:5432/db"
    assert place_of("postgresql://me@[::1]:5433/db") == "me@[::1]:5433/db"


@pytest.mark.parametrize(
    "first",
    [
        None,
        ConnectionRefusedError(),
        asyncpg.TargetServerAttributeNotMatched("a standby"),
        asyncpg.CannotConnectNowError("starting up"),
    ],
    ids=["silent", "refuses", "standby", "starting"],
)
async def test_the_second_is_asked_when_the_first_cannot_be_used(monkeypatch: pytest.MonkeyPatch, first: Any) -> None:
    driver = told(monkeypatch, one=first, two="connection")
    assert await Hosts(TWO).connect(timeout=0.05) == "connection"
    assert driver.asked == ["one", "two"]


async def test_who_answered_last_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = told(monkeypatch, one=OSError(), two="connection")
    both = Hosts(TWO)
    await both.connect(timeout=1)
    await both.connect(timeout=1)
    assert driver.asked == ["one", "two", "two"]
    driver.answers = {"one": "back", "two": OSError()}
    assert await both.connect(timeout=1) == "back"


async def test_the_last_error_is_the_one_that_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, one=OSError("one"), two=OSError("two"))
    with pytest.raises(OSError, match="two"):
        await Hosts(TWO).connect(timeout=1)


async def test_what_another_server_would_not_mend_is_raised_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = told(monkeypatch, one=asyncpg.InvalidCatalogNameError("no such database"), two="connection")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await Hosts(TWO).connect(timeout=1)
    assert driver.asked == ["one"]


def test_no_answer_of_two_servers_is_one_line() -> None:
    assert "me@one:5432,two:5433/db" in str(explain(OSError(), TWO))
