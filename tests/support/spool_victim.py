"""A gateway's spool at work, to be killed.

Kills itself with SIGKILL right before the SQL statement of that number (counted from 1 after the spool is
open), or at once after acknowledging parcel -STATEMENT. Everything that would be told to a source or was
taken by the broker is written to files first, as the outside world would remember it.
"""

import os
import signal
from pathlib import Path

import msgspec

from connectors.edge.spool import END, Cursor, Parcel, Spool
from tests.support.edge import offer

CRANES = ("VNHPH-TANVU-STS01", "VNHPH-TANVU-STS02")
PARCELS = 4


def remember(file: Path, line: str) -> None:
    """What cannot be taken back."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, line.encode() + b"\n")
    os.close(handle)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fuse:
    """Burns down by one per statement."""

    def __init__(self, length: int) -> None:
        self.left = length

    def __call__(self, _statement: str) -> None:
        self.left -= 1
        if self.left == 0:
            die()


def main(folder: Path, at: int) -> None:
    """Take parcels, tell the source, let the broker take half of what waits, let go of it; again and again."""
    spool = Spool(folder / "spool.db")
    if at > 0:
        spool._connection.set_trace_callback(Fuse(at))
    first = int(spool.cursor("parcels") or 0)
    for number in range(first + 1, PARCELS + 1):
        events = [offer(crane, data={"load_t": float(number)}) for crane in CRANES]
        spool.write([Parcel(events, [Cursor("parcels", str(number))])])
        remember(folder / "told", str(number))
        if at == -number:
            die()
        waiting = spool.read(0, END, 2)
        for row in waiting:
            remember(folder / "sent", msgspec.json.encode([row.position, row.value.decode()]).decode())
        spool.write([], [row.position for row in waiting])
    spool.close()
