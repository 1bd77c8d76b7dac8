"""What a killed PostgreSQL leaves for a moment: its backends, which hold the shared memory, and its own pid.

PostgreSQL refuses to start until both are gone, so a start waits for what it would check itself.
"""

import time
from pathlib import Path

PATIENCE_S = 10.0
POLL_S = 0.05
# Lines of postmaster.pid: the process id, and the key and id of its shared memory segment.
PID, MEMORY = 0, 6
# Columns of /proc/sysvipc/shm.
SEGMENT, ATTACHED = 1, 6


def await_release(data: Path) -> None:
    """Wait until nothing of the last server is left; gives up in silence, the server then says why."""
    deadline = time.monotonic() + PATIENCE_S
    while _is_held(data) and time.monotonic() < deadline:
        time.sleep(POLL_S)


def postmaster(data: Path) -> int | None:
    """The server's process id by its own word; None when it has left none."""
    try:
        return int((data / "postmaster.pid").read_text().splitlines()[PID])
    except (FileNotFoundError, LookupError, ValueError):
        return None


def _is_held(data: Path) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, segment = int(lines[PID]), lines[MEMORY].split()[-1]
    except (FileNotFoundError, LookupError, ValueError):
        return False
    return Path(f"/proc/{pid}").exists() or segment in _attached()


def _attached() -> set[str]:
    """Ids of the shared memory segments that some process still holds."""
    rows = (line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:])
    return {row[SEGMENT] for row in rows if int(row[ATTACHED])}
