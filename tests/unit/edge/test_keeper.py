"""The keeper: answers come after the commit, callers share commits, and a broken disk ends everything."""

import asyncio
from pathlib import Path

import pytest

from connectors.edge.bounds import Bounds
from connectors.edge.errors import DiskFullError, SpoolFailedError, SpoolFullError
from connectors.edge.keeper import Keeper
from connectors.edge.spool import Spool
from tests.support.edge import CRANE, parcel


async def test_callers_that_come_together_share_a_commit(tmp_path: Path) -> None:
    commits: list[int] = []
    keeper = Keeper(Spool(tmp_path / "spool.db"), lambda _s, events: commits.append(events))
    receipts = await asyncio.gather(*(keeper.keep(parcel(CRANE)) for _ in range(200)))
    assert sorted(receipt.sequence or 0 for (receipt,) in receipts) == list(range(1, 201))
    assert sum(commits) == 200
    assert len(commits) <= 3
    await keeper.close()


async def test_refused_parcel_refuses_no_neighbour(tmp_path: Path) -> None:
    keeper = Keeper(Spool(tmp_path / "spool.db", Bounds(max_bytes=1_000)))
    answers = await asyncio.gather(
        keeper.keep(parcel(CRANE)),
        keeper.keep(parcel(*[CRANE] * 50)),
        keeper.keep(parcel(CRANE)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [list, SpoolFullError, list]
    await keeper.close()


async def test_cancelled_caller_disturbs_nobody(tmp_path: Path) -> None:
    keeper = Keeper(Spool(tmp_path / "spool.db"))
    first = asyncio.ensure_future(keeper.keep(parcel(CRANE)))
    await asyncio.sleep(0)
    first.cancel()
    (receipt,) = await keeper.keep(parcel(CRANE))
    assert receipt.sequence == 2
    await keeper.close()


async def test_full_disk_refuses_and_the_next_is_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    keeper = Keeper(spool)
    await keeper.keep(parcel(CRANE))
    pages = spool._connection.execute("PRAGMA page_count").fetchone()[0]
    spool._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFullError, match="is full"):
        await keeper.keep(parcel(*[CRANE] * 200))
    spool._connection.execute("PRAGMA max_page_count = 1000000")
    (receipt,) = await keeper.keep(parcel(CRANE))
    assert receipt.sequence == 2
    await keeper.close()


async def test_broken_disk_refuses_everything_from_then_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "spool.db")
    keeper = Keeper(spool)

    def broken(*_: object) -> None:
        raise SpoolFailedError("the spool cannot be written (disk I/O error)")

    monkeypatch.setattr(spool, "write", broken)
    with pytest.raises(SpoolFailedError):
        await keeper.keep(parcel(CRANE))
    with pytest.raises(SpoolFailedError):
        await keeper.keep(parcel(CRANE))
    await keeper.close()


async def test_an_error_nobody_foresaw_is_told_to_everybody_and_leaves_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "spool.db")
    keeper = Keeper(spool)

    def surprised(*_: object) -> None:
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(spool, "write", surprised)
    answers = await asyncio.wait_for(
        asyncio.gather(keeper.keep(parcel(CRANE)), keeper.keep(parcel(CRANE)), return_exceptions=True), 5
    )
    assert [type(answer) for answer in answers] == [SpoolFailedError, SpoolFailedError]
    with pytest.raises(SpoolFailedError, match="unforeseen"):
        await keeper.keep(parcel(CRANE))
    await keeper.close()
