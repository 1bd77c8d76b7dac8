"""Whole files of messages in a gateway, and messages over HTTP: taken once, across restarts; a broken part refused alone."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.cloudevents_http.settings import HttpSettings
from connectors.files.documents import DocumentsSource
from connectors.files.settings import FilesSettings
from schemas.errors import ConfigurationError
from schemas.metrics import CONNECTOR_NOTES
from tests.support.doors import Opened, a_door
from tests.support.messages import GOLDEN, MESSAGES
from tests.support.worker import free_port

GENOA = (MESSAGES / "D95BCOARRI.edi").read_bytes()
MAPPING = """
type: crane.sample.v1
subject: VNHPH-TANVU-{crane}
time: at
fields: {load_t: {from: load, unit: kg}}
"""


def settings(folder: Path, form: str, **more: Any) -> FilesSettings:
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    given = {"kind": "files", "name": "test", "folder": str(inbox), "format": form, "poll_s": 0.02, **more}
    found = FilesSettings.model_validate({"complete_after_s": 0.05, **given})
    found.check()
    return found


async def read(opened: Opened, source: FilesSettings, events: int, errors: int = 0) -> list[dict[str, Any]]:
    """Let it run until so many events are there, so many parts are refused, and it is done with every file."""
    reader = source.source()
    assert isinstance(reader, DocumentsSource)
    running = asyncio.ensure_future(reader.run(opened.door))
    files = len(list(source.folder.glob(source.pattern)))
    try:
        async with asyncio.timeout(15):
            while len(await opened.kept()) < events or opened.errors("invalid") < errors or len(reader._done) < files:
                assert not running.done(), running
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return await opened.kept()


async def test_file_is_taken_whole_and_a_restart_takes_it_no_more(tmp_path: Path) -> None:
    source = settings(tmp_path, "edifact")
    (tmp_path / "inbox/a.edi").write_bytes(GENOA)
    async with a_door(tmp_path) as opened:
        kept = await read(opened, source, 21)
        assert opened.registry.counter(CONNECTOR_NOTES, "test", "offset_assumed")._value.get() == 21
        assert len({event["id"] for event in kept}) == 21
        assert not any("sequence" in event for event in kept)
    (tmp_path / "inbox/b.edi").write_bytes((GOLDEN / "coarri.edi").read_bytes())
    async with a_door(tmp_path) as opened:
        kept = await read(opened, source, 23)
        assert opened.count() == 2
    assert [event["data"]["milestone"] for event in kept] == ["discharged"] * 2 + ["loaded"] * 19 + [
        "discharged",
        "loaded",
    ]


async def test_broken_message_and_wrong_number_are_refused_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = settings(tmp_path, "edifact")
    spoilt = GENOA.replace(b"UNT+33", b"UNT+34").replace(b"CBHU6192031", b"CBHU6192032")
    (tmp_path / "inbox/a.edi").write_bytes(spoilt)
    async with a_door(tmp_path) as opened:
        assert len(await read(opened, source, 18, errors=2)) == 18
    out = capsys.readouterr().out
    assert "UNT says 34, there are 33 segments" in out
    assert "bad_check_digit, expected 1" in out


async def test_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    source = settings(tmp_path, "dcsa")
    file = tmp_path / "inbox/a.json"
    file.write_bytes((GOLDEN / "dcsa.json").read_bytes())
    async with a_door(tmp_path) as opened:
        first = await read(opened, source, 2)
        file.write_bytes((MESSAGES / "tnt-300-request-equipment.json").read_bytes())
        assert (await read(opened, source, 3))[:2] == first


@pytest.mark.parametrize("name", ["tic.json", "tic.flat.json"])
async def test_crane_message_is_taken_in_both_forms(tmp_path: Path, name: str) -> None:
    source = settings(tmp_path, "tic", pattern="*.json")
    (tmp_path / "inbox/a.json").write_bytes((GOLDEN / name).read_bytes())
    async with a_door(tmp_path) as opened:
        (event,) = await read(opened, source, 1)
    assert (event["subject"], event["data"]["wind_mps"]) == ("VNHPH-TANVU-STS03", 10.0)


async def test_mapped_records_are_named_by_their_file(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(MAPPING)
    source = settings(tmp_path, "mapped", mapping=str(file))
    lines = [json.dumps({"crane": "sts03", "at": "2026-11-24T02:00:05Z", "load": load}) for load in (1000, "x", 3000)]
    (tmp_path / "inbox/a.jsonl").write_text("\n".join(lines))
    async with a_door(tmp_path) as opened:
        kept = await read(opened, source, 2, errors=1)
    assert [event["data"]["load_t"] for event in kept] == [1.0, 3.0]
    assert [event["id"][16:] for event in kept] == ["-1", "-3"]


def test_mapping_is_checked_before_anything_starts(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(MAPPING.replace("load_t", "lod_t"))
    with pytest.raises(ConfigurationError, match="lod_t is not a field"):
        settings(tmp_path, "mapped", mapping=str(file))
    with pytest.raises(ConfigurationError, match=r"map\.yaml:2: type: not a word of this file"):
        settings(tmp_path, "edifact", mapping=str(file))


async def test_message_is_posted_and_one_that_is_broken_is_refused_whole(tmp_path: Path) -> None:
    port = free_port()
    http = HttpSettings.model_validate({"kind": "http", "name": "test", "port": port, "format": "edifact"})
    http.check()
    async with a_door(tmp_path) as opened:
        running = asyncio.ensure_future(http.source().run(opened.door))
        try:
            assert await posted(port, GENOA.replace(b"UNT+33", b"UNT+34")) == 400
            assert await opened.kept() == []
            assert await posted(port, GENOA) == 202
            assert len(await opened.kept()) == 21
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def posted(port: int, body: bytes) -> int:
    async with aiohttp.ClientSession() as client, asyncio.timeout(10):
        while True:
            try:
                async with client.post(f"http://127.0.0.1:{port}/events", data=body) as answer:
                    return answer.status
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)
