"""Files that grow: whole lines, once each, across restarts; what is no event is named by its line."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from connectors.edge import Bounds
from connectors.files.piece import CHUNK
from connectors.files.settings import FilesSettings
from schemas.errors import ConfigurationError
from tests.support.doors import Opened, a_door
from tests.support.edge import CRANE, words

RADIO = Path(__file__).parents[2] / "data/radio/urban_n8_v0_run01.txt"


def settings(folder: Path, **more: Any) -> FilesSettings:
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    given = {"kind": "files", "name": "test", "folder": str(inbox), "poll_s": 0.02, "complete_after_s": 0.3, **more}
    return FilesSettings.model_validate(given)


def line(number: int) -> str:
    return json.dumps(words(data={"load_t": float(number)})) + "\n"


async def read(opened: Opened, source: FilesSettings, events: int, then_s: float = 0.0) -> list[dict[str, Any]]:
    """Let it run until so many events are there, and then a little."""
    running = asyncio.ensure_future(source.source().run(opened.door))
    try:
        async with asyncio.timeout(15):
            while len(await opened.kept()) < events:
                assert not running.done(), running
                await asyncio.sleep(0.02)
        await asyncio.sleep(then_s)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return await opened.kept()


def loads(events: list[dict[str, Any]]) -> list[float]:
    return [event["data"]["load_t"] for event in events]


async def test_lines_become_numbered_events_in_their_order(tmp_path: Path) -> None:
    source = settings(tmp_path)
    (tmp_path / "inbox/a.jsonl").write_text(line(1) + "\n" + line(2))
    async with a_door(tmp_path) as opened:
        kept = await read(opened, source, 2)
    assert loads(kept) == [1, 2]
    assert [(event["subject"], event["sequence"]) for event in kept] == [(CRANE, "1"), (CRANE, "2")]


async def test_restart_goes_on_behind_what_was_taken(tmp_path: Path) -> None:
    source = settings(tmp_path)
    file = tmp_path / "inbox/a.jsonl"
    file.write_text(line(1))
    async with a_door(tmp_path) as opened:
        await read(opened, source, 1)
    with file.open("a") as more:
        more.write(line(2))
    async with a_door(tmp_path) as opened:
        assert loads(await read(opened, source, 2, 0.2)) == [1, 2]


async def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    source = settings(tmp_path, complete_after_s=60)
    file = tmp_path / "inbox/a.jsonl"
    file.write_text(line(1) + line(2)[:20])
    async with a_door(tmp_path) as opened:
        assert loads(await read(opened, source, 1, 0.3)) == [1]
        with file.open("a") as more:
            more.write(line(2)[20:])
        assert loads(await read(opened, source, 2)) == [1, 2]


async def test_last_line_without_an_end_is_taken_when_the_file_is_quiet(tmp_path: Path) -> None:
    source = settings(tmp_path)
    (tmp_path / "inbox/a.jsonl").write_text(line(1) + line(2).rstrip())
    async with a_door(tmp_path) as opened:
        assert loads(await read(opened, source, 2)) == [1, 2]


async def test_bad_line_is_refused_with_its_number_and_the_others_are_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = settings(tmp_path)
    (tmp_path / "inbox/a.jsonl").write_text(line(1) + "no event\n" + line(3))
    async with a_door(tmp_path) as opened:
        assert loads(await read(opened, source, 2)) == [1, 3]
        assert opened.errors("invalid") == 1
    assert "a.jsonl:2" in capsys.readouterr().out


async def test_line_longer_than_an_event_may_be_is_passed_by(tmp_path: Path) -> None:
    source = settings(tmp_path)
    (tmp_path / "inbox/a.jsonl").write_text(line(1) + "x" * (2 * CHUNK + 7) + "\n" + line(3))
    async with a_door(tmp_path) as opened:
        assert loads(await read(opened, source, 2)) == [1, 3]
        assert opened.errors("too_large") == 1


async def test_another_file_under_the_same_name_begins_anew(tmp_path: Path) -> None:
    source = settings(tmp_path)
    file = tmp_path / "inbox/a.jsonl"
    file.write_text(line(1) + line(2))
    async with a_door(tmp_path) as opened:
        await read(opened, source, 2)
        file.write_text(line(3))
        assert loads(await read(opened, source, 3)) == [1, 2, 3]


async def test_full_spool_lets_the_file_wait(tmp_path: Path) -> None:
    source = settings(tmp_path)
    (tmp_path / "inbox/a.jsonl").write_text(line(1))
    async with a_door(tmp_path, Bounds(max_bytes=400)) as opened:
        await read(opened, source, 1)
        with (tmp_path / "inbox/a.jsonl").open("a") as more:
            more.write(line(2))
        assert loads(await read(opened, source, 1, 0.3)) == [1]
    async with a_door(tmp_path) as opened:
        assert loads(await read(opened, source, 2)) == [1, 2]


async def test_recorded_trace_is_read_through_its_mapping(tmp_path: Path) -> None:
    source = settings(tmp_path, format="csv", mapping="cicv5g")
    (tmp_path / "inbox" / RADIO.name).write_bytes(RADIO.read_bytes())
    async with a_door(tmp_path) as opened:
        kept = await read(opened, source, 1207, 0.1)
    # The sums of the samples' own description.
    assert len(kept) == 1207
    assert sum(event["data"]["rsrp_dbm"] for event in kept) == -86127
    assert sum(event["data"]["rtt_ms"] for event in kept) == 23311
    assert kept[0]["time"] == "2024-07-17T07:08:24.086Z"
    assert [event["sequence"] for event in kept] == [str(number) for number in range(1, 1208)]


async def test_table_without_a_needed_column_is_passed_by_and_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = settings(tmp_path, format="csv", mapping="cicv5g")
    (tmp_path / "inbox/a.txt").write_text("a b c\n1 2 3\n")
    (tmp_path / "inbox/b.txt").write_bytes(RADIO.read_bytes())
    async with a_door(tmp_path) as opened:
        assert len(await read(opened, source, 1207, 0.2)) == 1207
    assert capsys.readouterr().out.count("the header has no column") == 1


def test_folder_that_is_missing_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a folder: create it"):
        FilesSettings.model_validate({"kind": "files", "name": "test", "folder": str(tmp_path / "none")}).check()
