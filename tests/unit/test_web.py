"""The worker's three pages, and nothing else."""

import socket
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from schemas.errors import ConfigurationError
from streams.web import PORTS, Pages, Web

Client = TestClient[aiohttp.web.Request, aiohttp.web.Application]


class Health:
    """What alive and ready answer."""

    def __init__(self) -> None:
        self.alive: str | None = None
        self.ready: str | None = None

    def pages(self) -> Pages:
        return Pages(lambda: b"# HELP a b\n", lambda: self.alive, lambda: self.ready)


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def client(health: Health) -> AsyncIterator[Client]:
    async with TestClient(TestServer(health.pages().application())) as client:
        yield client


async def test_metrics_are_served_as_prometheus_reads_them(client: Client) -> None:
    answer = await client.get("/metrics")
    assert (answer.status, await answer.read()) == (200, b"# HELP a b\n")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("page", ["/livez", "/readyz"])
async def test_healthy_worker_says_ok(client: Client, page: str) -> None:
    answer = await client.get(page)
    assert (answer.status, await answer.text()) == (200, "ok\n")


async def test_stalled_worker_says_why(client: Client, health: Health) -> None:
    health.alive = "crane-events/0 stands at 7"
    answer = await client.get("/livez")
    assert (answer.status, await answer.text()) == (503, "crane-events/0 stands at 7\n")
    assert (await client.get("/readyz")).status == 200


async def test_worker_that_is_not_ready_is_alive(client: Client, health: Health) -> None:
    health.ready = "no partitions assigned yet"
    assert (await client.get("/readyz")).status == 503
    assert (await client.get("/livez")).status == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/table", "/router", "/stats", "/graph", "/livez/", "/metrics/x", "/livez/../etc", "/healthz", "/production"],
)
async def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("page", ["/metrics", "/livez", "/readyz"])
async def test_pages_can_only_be_read(client: Client, method: str, page: str) -> None:
    assert (await client.request(method, page)).status == 405


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port that somebody listens on."""
    listening = socket.create_server(("127.0.0.1", 0))
    yield listening
    listening.close()


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


async def test_port_that_is_taken_is_a_configuration_error(health: Health, taken: socket.socket) -> None:
    web = Web("127.0.0.1", port_of(taken), health.pages())
    with pytest.raises(ConfigurationError, match=f"port {port_of(taken)} is taken"):
        await web.on_start()
    await web.on_stop()


async def test_next_free_port_is_taken_when_none_is_given(health: Health) -> None:
    first, second = (Web("127.0.0.1", None, health.pages()) for _ in range(2))
    try:
        await first.on_start()
        await second.on_start()
        assert first.port in PORTS
        assert second.port in PORTS
        assert first.port != second.port
    finally:
        await first.on_stop()
        await second.on_stop()


async def test_pages_answer_on_the_port_that_is_told(health: Health) -> None:
    web = Web("127.0.0.1", None, health.pages())
    try:
        await web.on_start()
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{web.port}/livez") as answer:
            assert answer.status == 200
    finally:
        await web.on_stop()
