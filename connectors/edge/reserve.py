"""Room kept free on the disk, so that a full one can be emptied: letting go of events needs some, before it makes some."""

import os
from pathlib import Path
from typing import Final

RESERVE_BYTES: Final = 8 * 1024 * 1024


class Reserve:
    """A file of zeros beside the spool. Given up when the disk is full; nothing is taken in until it is there again."""

    def __init__(self, spool: Path) -> None:
        self._path = spool.with_name(spool.name + "-reserve")

    def hold(self) -> bool:
        """Have the room, or False when the disk has none."""
        if self._path.exists() and self._path.stat().st_size == RESERVE_BYTES:
            return True
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(handle, 0, RESERVE_BYTES)
        except OSError:
            self._path.unlink()
            return False
        finally:
            os.close(handle)
        return True

    def give_up(self) -> None:
        """Make room for letting go."""
        self._path.unlink(missing_ok=True)
