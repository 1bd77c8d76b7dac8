"""What a run costs: CPU seconds by who spent them, and the worker's peak memory, from /proc."""

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds (user and system) since each began."""

    worker: float
    database: float
    broker: float

    def since(self, before: "Cpu") -> "Cpu":
        """What was spent between two readings."""
        return Cpu(self.worker - before.worker, self.database - before.database, self.broker - before.broker)

    def per_event_us(self, events: int) -> dict[str, float]:
        """Microseconds per event, which is also seconds per million events."""
        spent = {"worker": self.worker, "database": self.database, "broker": self.broker}
        return {name: seconds / events * 1e6 for name, seconds in spent.items()}


@dataclass(frozen=True, slots=True)
class Meter:
    """Reads process trees by their roots' pids; `watcher` is the backend that only watches and is not counted."""

    worker: int
    broker: int
    postmaster: int
    watcher: int

    def read(self) -> Cpu:
        """CPU seconds so far; raises psutil.Error when a root is gone."""
        return Cpu(
            _tree_seconds(self.worker),
            _tree_seconds(self.postmaster) - _seconds(psutil.Process(self.watcher)),
            _tree_seconds(self.broker),
        )

    def peak_rss_mb(self) -> float:
        """The worker's highest resident memory so far, 10^6 bytes."""
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
        return int(kibibytes) * 1024 / 1e6


def _tree_seconds(root: int) -> float:
    """Of a process, its descendants, and the children it has already collected (backends that ended)."""
    process = psutil.Process(root)
    times = process.cpu_times()
    collected = times.children_user + times.children_system
    return collected + _seconds(process) + sum(_seconds(child) for child in process.children(recursive=True))


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system
