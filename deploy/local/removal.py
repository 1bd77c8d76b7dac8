"""Removes what a local stack made: its data, and the downloads when asked. Never through a mount."""

import os
from collections.abc import Iterable
from pathlib import Path

import psutil

from deploy.local.home import CONTENTS, Home
from deploy.local.packages import as_root, run
from schemas.errors import ConfigurationError


def contents(home: Home) -> list[Path]:
    """What the stack made in its home; a folder somebody else keeps there is left alone."""
    return [home.path / name for name in CONTENTS if (home.path / name).exists()]


def size(paths: Iterable[Path]) -> int:
    """Bytes that the files in these trees occupy; links are not followed."""
    return sum(_occupied(path) for path in paths)


def remove(paths: Iterable[Path]) -> None:
    """Delete the trees; raises ConfigurationError when something is mounted in one of them."""
    for path in paths:
        _refuse_mounts(path)
        command = ["rm", "-rf", "--one-file-system", "--", str(path)]
        run(command if _is_ours(path) else as_root(command), f"remove {path}")


def refuse_in_use(folder: Path) -> None:
    """Raise ConfigurationError while a process runs from the downloads, of this stack or another."""
    users = [process.pid for process in psutil.process_iter() if _uses(process, str(folder))]
    if users:
        message = f"{folder} is in use by process {users[0]}: `quaystream down` in that stack's home first"
        raise ConfigurationError(message)


def _is_ours(path: Path) -> bool:
    """Whether this user may delete it: a system root made through sudo belongs to root."""
    inside = path.iterdir() if path.is_dir() and not path.is_symlink() else ()
    return all(file.lstat().st_uid == os.geteuid() for file in (path, *inside))


def _occupied(path: Path) -> int:
    files = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_blocks * 512 for file in files)


def _refuse_mounts(path: Path) -> None:
    real = str(path.resolve())
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    for mounted in (line.split()[4] for line in lines):
        if mounted == real or mounted.startswith(f"{real}/"):
            message = f"{mounted} is a mount: `umount {mounted}` before removing {path}"
            raise ConfigurationError(message)


def _uses(process: psutil.Process, folder: str) -> bool:
    """Java names the jars on its command line; the database has its root there."""
    try:
        root = Path(f"/proc/{process.pid}/root").readlink()
        return root.is_relative_to(folder) or any(folder in word for word in process.cmdline())
    except (OSError, psutil.Error):
        return False
