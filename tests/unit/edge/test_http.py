"""CloudEvents over HTTP, from clients that are not ours: each mode, each answer, and what is in the spool after it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent

from connectors.cloudevents_http.reading import BATCH, STRUCTURED
from connectors.cloudevents_http.settings import HttpSettings
from connectors.edge import Bounds
from tests.support.doors import Opened, a_door
from tests.support.edge import CRANE, words
from tests.support.worker import free_port


def full(number: int = 1, **more: Any) -> dict[str, Any]:
    """A whole CloudEvent, as a foreign client words it."""
    return words(specversion="1.0", id=f"theirs-{number}", source="/theirs", **more)


@asynccontextmanager
async def served(folder: Path, bounds: Bounds = Bounds(), **more: Any) -> AsyncIterator[tuple[Opened, str]]:  # noqa: B008
    port = free_port()
    settings = HttpSettings.model_validate({"kind": "http", "name": "test", "port": port, **more})
    settings.check()
    async with a_door(folder, bounds) as opened:
        running = asyncio.ensure_future(settings.source().run(opened.door))
        url = f"http://127.0.0.1:{port}/events"
        await _until_it_answers(url, running)
        yield opened, url
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _until_it_answers(url: str, running: "asyncio.Future[None]") -> None:
    async with aiohttp.ClientSession() as client, asyncio.timeout(10):
        while not running.done():
            try:
                async with client.get(url):
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)
    running.result()


async def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, str | None]:
    async with (
        aiohttp.ClientSession() as client,
        client.post(url, data=body, headers=headers, skip_auto_headers=["Content-Type"]) as answer,
    ):
        return answer.status, await answer.text(), answer.headers.get("Retry-After")


async def post_json(url: str, content: Any, kind: str = STRUCTURED) -> tuple[int, str, str | None]:
    return await post(url, json.dumps(content).encode(), {"content-type": kind})


@pytest.mark.parametrize("convert", [to_structured, to_binary])
async def test_the_cloudevents_sdk_is_understood_in_both_modes(tmp_path: Path, convert: Any) -> None:
    attributes = {name: value for name, value in full(comment="Hải Phòng").items() if name != "data"}
    headers, body = convert(CloudEvent(attributes, {"load_t": 20.5}))
    async with served(tmp_path) as (opened, url):
        status, _, _ = await post(url, body, {name: str(value) for name, value in headers.items()})
        assert status == 202
        (event,) = await opened.kept()
    assert (event["id"], event["source"], event["subject"], event["data"]) == (
        "theirs-1",
        "/theirs",
        CRANE,
        {"load_t": 20.5},
    )


async def test_binary_headers_are_percent_decoded(tmp_path: Path) -> None:
    headers = {f"ce-{name}": value for name, value in full().items() if name != "data"}
    async with served(tmp_path) as (opened, url):
        await post(
            url,
            b'{"load_t": 1.0}',
            {**headers, "ce-comment": "H%E1%BA%A3i%20Ph%C3%B2ng", "content-type": "application/json"},
        )
        (event,) = await opened.kept()
    assert event["comment"] == "Hải Phòng"


async def test_a_batch_is_taken_whole(tmp_path: Path) -> None:
    async with served(tmp_path) as (opened, url):
        assert (await post_json(url, [full(1), full(2)], BATCH))[0] == 202
        assert [event["id"] for event in await opened.kept()] == ["theirs-1", "theirs-2"]
        assert opened.count() == 2


async def test_a_batch_with_one_bad_event_is_refused_whole_and_says_which(tmp_path: Path) -> None:
    async with served(tmp_path) as (opened, url):
        status, said, _ = await post_json(url, [full(1), full(2, data={"load_t": "heavy"})], BATCH)
        assert (status, said.startswith("event 1: load_t:")) == (400, True)
        assert await opened.kept() == []
        assert opened.errors("invalid") == 1


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b"{", STRUCTURED, "not JSON"),
        (b"[]", STRUCTURED, "not a JSON object"),
        (b"{}", BATCH, "a batch is a JSON array"),
        (b'{"load_t": NaN}', STRUCTURED, "not JSON"),
        (b"{}", "application/json", "no CloudEvent"),
        (b"<a/>", "application/cloudevents+xml", "not understood"),
        (json.dumps({**full(), "subject": "sts03"}).encode(), STRUCTURED, "subject sts03"),
        (
            json.dumps({name: value for name, value in full().items() if name != "id"}).encode(),
            STRUCTURED,
            "attribute id",
        ),
        (json.dumps({**full(), "time": "2026-01-01T00:00:00"}).encode(), STRUCTURED, "not RFC 3339 with offset"),
        (json.dumps({**full(), "type": "io.quaystream.crane.sample.v9"}).encode(), STRUCTURED, "is not known"),
    ],
)
async def test_what_no_worker_would_take_is_400_with_the_reason(
    tmp_path: Path, body: bytes, kind: str, says: str
) -> None:
    async with served(tmp_path) as (opened, url):
        status, said, _ = await post(url, body, {"content-type": kind})
        assert (status, says in said) == (400, True), said
        assert await opened.kept() == []


async def test_a_request_over_the_bound_is_413(tmp_path: Path) -> None:
    async with served(tmp_path, max_body_bytes=2048) as (opened, url):
        assert (await post_json(url, full(data={"load_t": 1.0, "note": "x" * 4096})))[0] == 413
        assert opened.errors("too_large") == 1


async def test_an_event_over_the_workers_bound_is_413(tmp_path: Path) -> None:
    async with served(tmp_path) as (opened, url):
        assert (await post_json(url, full(data={"load_t": 1.0, "note": "x" * 1_048_600})))[0] == 413
        assert await opened.kept() == []


async def test_a_full_spool_is_503_with_retry_after(tmp_path: Path) -> None:
    async with served(tmp_path, Bounds(max_bytes=400)) as (opened, url):
        assert (await post_json(url, full(1)))[0] == 202
        status, said, retry = await post_json(url, full(2))
        assert (status, retry) == (503, "5")
        assert "do not fit" in said
        assert [event["id"] for event in await opened.kept()] == ["theirs-1"]


async def test_a_repeat_keeps_its_id_and_gets_no_number(tmp_path: Path) -> None:
    async with served(tmp_path) as (opened, url):
        await post_json(url, full(1))
        await post_json(url, full(1))
        kept = await opened.kept()
    assert [event["id"] for event in kept] == ["theirs-1", "theirs-1"]
    assert all("sequence" not in event for event in kept)


async def test_without_the_token_nobody_is_let_in(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("open sesame\n")
    body, headers = json.dumps(full()).encode(), {"content-type": STRUCTURED}
    async with served(tmp_path, token_file=str(token)) as (opened, url):
        assert (await post(url, body, headers))[0] == 401
        assert (await post(url, body, {**headers, "Authorization": "Bearer wrong"}))[0] == 401
        assert await opened.kept() == []
        assert (await post(url, body, {**headers, "Authorization": "Bearer open sesame"}))[0] == 202
