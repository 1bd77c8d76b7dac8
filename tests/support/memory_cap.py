"""A bound on the memory of one process: a memory cgroup of version 1 or 2 where it can be made, else its address space."""

import os
import resource
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
# What an address space is larger than what is resident: threads, Arrow, mapped files.
ADDRESSES_BEYOND_BYTES = 1_500 * 1024 * 1024


@contextmanager
def capped(pid: int, most_bytes: int) -> Iterator[str]:
    """Inside, the process and what it starts has no more; says by what means."""
    folder = _group(most_bytes)
    if folder is None:
        resource.prlimit(pid, resource.RLIMIT_AS, (most_bytes + ADDRESSES_BEYOND_BYTES,) * 2)
        yield "ulimit -v"
        return
    (folder / "cgroup.procs").write_text(str(pid))
    try:
        yield f"cgroup {folder}"
    finally:
        _remove(folder)


def _group(most_bytes: int) -> Path | None:
    version_1 = (ROOT / "memory").is_dir()
    folder = (ROOT / "memory" if version_1 else ROOT) / f"quaystream-test-{secrets.token_hex(4)}"
    try:
        folder.mkdir()
        (folder / ("memory.limit_in_bytes" if version_1 else "memory.max")).write_text(str(most_bytes))
    except OSError:
        with suppress(OSError):
            folder.rmdir()
        return None
    return folder


def _remove(folder: Path) -> None:
    """Only when nobody is in it."""
    for _ in range(100):
        with suppress(OSError):
            folder.rmdir()
            return
        for pid in (folder / "cgroup.procs").read_text().split():
            with suppress(OSError):
                os.kill(int(pid), 0)
                (folder.parent / "cgroup.procs").write_text(pid)
        time.sleep(0.05)
