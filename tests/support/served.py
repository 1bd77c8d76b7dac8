"""A web source with a real spool behind its door, and clients that are not ours."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from connectors.edge import Bounds
from connectors.edge.source_settings import SourceSettings
from tests.support.doors import Opened, a_door
from tests.support.worker import free_port


@asynccontextmanager
async def served(
    kind: type[SourceSettings],
    folder: Path,
    bounds: Bounds = Bounds(),  # noqa: B008
    **words: Any,
) -> AsyncIterator[tuple[Opened, str]]:
    """The source of these settings at work, and its address without a path."""
    port = free_port()
    (name,) = kind.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    settings = kind.model_validate({"kind": name, "name": "test", "port": port, **words})
    settings.check()
    async with a_door(folder, bounds, settings.refused_to) as opened:
        running = asyncio.ensure_future(settings.source().run(opened.door))
        try:
            await _until_it_listens(port, running)
            yield opened, f"{'https' if words.get('cert_file') else 'http'}://127.0.0.1:{port}"
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _until_it_listens(port: int, running: "asyncio.Future[None]") -> None:
    async with asyncio.timeout(10):
        while not running.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
    running.result()


async def send(
    url: str, body: bytes, headers: dict[str, str], method: str = "POST", tls: ssl.SSLContext | None = None
) -> tuple[int, Any, dict[str, str]]:
    """Status, body (as JSON where it is), headers of the answer."""
    async with (
        aiohttp.ClientSession() as client,
        client.request(
            method, url, data=body, headers=headers, skip_auto_headers=["Content-Type"], ssl=tls or True
        ) as answer,
    ):
        said = await (answer.json() if answer.content_type == "application/json" else answer.text())
        return answer.status, said, dict(answer.headers)
