"""Detached child processes, remembered by pid and start time so that no stranger is ever signalled."""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

POLL_S = 0.05
# Fields after the command name in /proc/<pid>/stat: state is the first, start time the 20th.
STATE, START_TIME = 0, 19


def identity(pid: int) -> str | None:
    """What tells this process from a later one with the same pid; None when it is gone."""
    reap(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[STATE] in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{fields[START_TIME]}"


def reap(pid: int) -> None:
    """Collect an ended child of ours; others are init's to collect."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def spawn(command: Sequence[str], log: Path, env: Mapping[str, str]) -> int:
    """Start `command` in its own session, output appended to `log`; returns its pid at once."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        return os.posix_spawnp(
            command[0],
            list(command),
            dict(env),
            setsid=True,
            setsigmask=[],
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
        )
    finally:
        os.close(output)


def record(pid_file: Path, pid: int | None) -> None:
    """Remember a process we started; None stands for one that is gone already."""
    entry = {"pid": pid, "identity": None if pid is None else identity(pid)}
    pid_file.write_text(json.dumps(entry) + "\n")


def recorded(pid_file: Path) -> int | None:
    """The remembered process when it still runs and is still the same one."""
    try:
        entry = json.loads(pid_file.read_text())
        pid = int(entry["pid"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return pid if entry["identity"] and identity(pid) == entry["identity"] else None


def end(pid: int, sign: signal.Signals, patience_s: float) -> bool:
    """Signal a process and wait for it to go; False when it outlasts `patience_s`."""
    before = identity(pid)
    if before is None:
        return True
    os.kill(pid, sign)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if identity(pid) != before:
            return True
        time.sleep(POLL_S)
    return False
