"""The disk under the spool is full, to the last byte: nothing told is lost, delivery goes on, and it heals by that."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.edge.errors import DiskFullError
from connectors.edge.keeper import Keeper
from connectors.edge.spool import END, Spool
from tests.support.edge import CRANE, contents, parcel

SUDO = () if os.geteuid() == 0 else ("sudo", "-n")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mine = f"size=24m,uid={os.geteuid()}"
    subprocess.run([*SUDO, "mount", "-t", "tmpfs", "-o", mine, "tmpfs", str(folder)], check=True, timeout=20)
    yield folder
    subprocess.run([*SUDO, "umount", str(folder)], check=True, timeout=20)


async def fill(keeper: Keeper) -> int:
    """Offer until the answer is no; how many were told yes."""
    told = 0
    while True:
        try:
            told += len(await keeper.keep(parcel(*[CRANE] * 100)))
        except DiskFullError:
            return told


async def test_full_disk_refuses_and_delivery_makes_room_again(small_disk: Path) -> None:
    keeper = Keeper(Spool(small_disk / "spool.db"))
    (small_disk / "of-somebody-else").write_bytes(b"x" * 6 * 1024 * 1024)
    told = await fill(keeper)
    assert told > 10_000
    assert (await keeper.held()).events == told
    rows = await keeper.read(0, END, 100_000)
    assert len(rows) == told
    for start in range(0, told, 1_000):
        keeper.let_go(row.position for row in rows[start : start + 1_000])
        await keeper.wrote()
    assert (await keeper.held()).events == 0
    (receipt,) = await keeper.keep(parcel(CRANE))
    assert receipt.sequence == told + 1
    await keeper.close()


async def test_restart_on_a_full_disk_delivers_what_is_there(small_disk: Path) -> None:
    keeper = Keeper(Spool(small_disk / "spool.db"))
    told = await fill(keeper)
    rest = os.statvfs(small_disk)
    (small_disk / "of-somebody-else").write_bytes(b"x" * (rest.f_bavail * rest.f_bsize))
    await keeper.close()
    keeper = Keeper(Spool(small_disk / "spool.db"))
    assert [int(event["sequence"]) for event in contents(keeper.spool)] == list(range(1, told + 1))
    with pytest.raises(DiskFullError):
        await keeper.keep(parcel(CRANE))
    (small_disk / "of-somebody-else").unlink()
    (receipt,) = await keeper.keep(parcel(CRANE))
    assert receipt.sequence == told + 1
    await keeper.close()
