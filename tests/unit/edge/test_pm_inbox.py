"""PM files that come into a folder: taken whole and once, across restarts, whatever else is in the folder."""

import asyncio
import gzip
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.edge.door import Door
from connectors.edge.errors import SpoolFullError
from connectors.pm_inbox.settings import PmInboxSettings
from schemas.errors import ConfigurationError
from tests.support.doors import Opened, a_door
from tests.support.network import PM_FILES, become_of, measurements
from tests.support.network_oracle import pm_rows

EXAMPLE = next(path for path in PM_FILES if path.stem.endswith("_5G"))
LARGE = next(path for path in PM_FILES if "seliitdus" in path.stem)


@asynccontextmanager
async def watched(folder: Path, **words: Any) -> AsyncIterator[tuple[Opened, Path]]:
    """A gateway's life with this source; the spool is in `folder`, the inbox beside it."""
    inbox = folder / "inbox"
    await asyncio.to_thread(inbox.mkdir, exist_ok=True)
    told = {"kind": "pm-xml", "name": "test", "folder": str(inbox), "poll_s": 0.02, "complete_after_s": 0.0, **words}
    settings = PmInboxSettings.model_validate(told)
    settings.check()
    async with a_door(folder) as opened:
        running = asyncio.ensure_future(settings.source().run(opened.door))
        yield opened, inbox
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled(), running


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not holds():  # noqa: ASYNC110  (asks counters)
            await asyncio.sleep(0.01)


def values(events: list[dict[str, Any]]) -> list[str]:
    return sorted(str(row) for row in measurements(become_of(events)))


def told(path: Path) -> list[str]:
    """What the file says, by the oracle."""
    return sorted(str(row) for row in pm_rows(path))


async def test_each_file_of_the_folder_is_taken_once_across_restarts(tmp_path: Path) -> None:
    async with watched(tmp_path) as (opened, inbox):
        shutil.copy(EXAMPLE, inbox)
        await until(lambda: opened.files("taken") == 1)
    async with watched(tmp_path) as (opened, inbox):
        shutil.copy(PM_FILES[-1], inbox)
        await until(lambda: opened.files("taken") == 1)
        kept = await opened.kept()
    # `A_no_measdata.xml` is valid and says nothing.
    assert values(kept) == sorted(told(EXAMPLE) + told(PM_FILES[-1]))
    assert len({event["id"] for event in kept}) == len(kept)


async def test_a_vendors_file_has_every_value_and_gzip_changes_nothing(tmp_path: Path) -> None:
    async with watched(tmp_path) as (opened, inbox):
        packed = inbox / f"{LARGE.name}.gz"
        packed.write_bytes(gzip.compress(LARGE.read_bytes()))
        await until(lambda: opened.files("taken") == 1)
        kept = await opened.kept()
    assert len(measurements(become_of(kept))) == len(pm_rows(LARGE)) == 11_995


async def test_a_file_that_still_grows_is_waited_for(tmp_path: Path) -> None:
    content = EXAMPLE.read_bytes()
    async with watched(tmp_path, complete_after_s=0.3) as (opened, inbox):
        with (inbox / "A.xml").open("wb") as file:
            for start in range(0, len(content), 512):
                file.write(content[start : start + 512])
                file.flush()
                await asyncio.sleep(0.05)
                assert opened.files("taken") == 0
        await until(lambda: opened.files("taken") == 1)
        assert values(await opened.kept()) == told(EXAMPLE)
        assert opened.errors("invalid") == 0


async def test_a_file_that_breaks_off_gives_what_came_before_and_says_so(tmp_path: Path) -> None:
    content = EXAMPLE.read_bytes()
    async with watched(tmp_path) as (opened, inbox):
        (inbox / "half.xml").write_bytes(content[: len(content) * 6 // 10])
        await until(lambda: opened.files("taken") == 1)
        *good, bad = await opened.kept()
        assert opened.errors("invalid") == 1
    assert len(good) == 3
    writes = become_of([bad])
    assert [letter.refusal.reason.value for letter in writes.dead_letters] == ["invalid_data"]
    assert writes.dead_letters[0].refusal.detail == bad["undecoded"]
    assert "PM file, line" in bad["undecoded"]


async def test_another_content_under_the_same_name_is_taken_too(tmp_path: Path) -> None:
    async with watched(tmp_path) as (opened, inbox):
        (inbox / "latest.xml").write_bytes(EXAMPLE.read_bytes())
        await until(lambda: opened.files("taken") == 1)
        (inbox / "latest.xml").write_bytes(EXAMPLE.read_bytes().replace(b">789<", b">790<"))
        await until(lambda: opened.files("taken") == 2)
        kept = await opened.kept()
    assert len(kept) == 14
    assert len({event["id"] for event in kept}) == 14


async def test_a_kill_in_the_middle_of_a_file_neither_loses_nor_doubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.pm_inbox.taking._REPORTS", 10)
    take, times = Door.take, 0

    async def dies_at_the_fifth(door: Door, *parcel: Any) -> None:
        nonlocal times
        times += 1
        if times == 5:
            raise SystemError("killed")
        await take(door, *parcel)

    monkeypatch.setattr(Door, "take", dies_at_the_fifth)

    async def first_life() -> None:
        async with watched(tmp_path) as (opened, inbox):
            shutil.copy(LARGE, inbox)
            await until(lambda: times == 5)
            assert len(await opened.kept()) == 40

    with pytest.raises(AssertionError, match="SystemError"):
        await first_life()
    async with watched(tmp_path) as (opened, _):
        await until(lambda: opened.files("taken") == 1)
        kept = await opened.kept()
    assert len(kept) == len({event["id"] for event in kept}) == 125


async def test_a_full_spool_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.edge.door.RETRY_S", 0.01)
    take, refused = Door.take, 0

    async def refuses_at_first(door: Door, *parcel: Any) -> None:
        nonlocal refused
        if refused < 3:
            refused += 1
            raise SpoolFullError("bytes", "full")
        await take(door, *parcel)

    monkeypatch.setattr(Door, "take", refuses_at_first)
    async with watched(tmp_path) as (opened, inbox):
        shutil.copy(EXAMPLE, inbox)
        await until(lambda: opened.files("taken") == 1)
        assert refused == 3
        assert values(await opened.kept()) == told(EXAMPLE)


def test_a_folder_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a folder"):
        PmInboxSettings.model_validate({"kind": "pm-xml", "name": "pm", "folder": str(tmp_path / "none")}).check()
