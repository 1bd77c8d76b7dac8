"""Which workers and boards run here and where their metrics are: one Prometheus file_sd file per process id.

Each announces itself when its metrics server listens; a file whose process is gone is ignored
and removed by the next announcement.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from deploy.local.home import Home
from deploy.local.process import identity


def announce(folder: Path, address: str) -> Path:
    """Tell Prometheus that this process serves metrics at `address` (host:port); `folder` is `Home.workers()` or its like."""
    prune(folder)
    pid = os.getpid()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{pid}.json"
    # Prometheus drops labels that begin with two underscores after discovery: this one is for us.
    labels = {"__quaystream_identity": identity(pid)}
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps([{"targets": [address], "labels": labels}]) + "\n")
    partial.rename(file)
    return file


def running(home: Home) -> Iterator[str]:
    """Metrics addresses (http://…/metrics) of the workers that are alive."""
    for file, address in _alive(home.workers()):
        if file.exists():
            yield f"http://{address}/metrics"


def prune(folder: Path) -> None:
    """Remove what dead processes left behind."""
    alive = {file for file, _ in _alive(folder)}
    for file in folder.glob("*.json"):
        if file not in alive:
            file.unlink(missing_ok=True)


def _alive(folder: Path) -> Iterator[tuple[Path, str]]:
    for file in sorted(folder.glob("*.json")):
        try:
            group = json.loads(file.read_text())[0]
            address, pid = str(group["targets"][0]), int(file.stem)
        except (OSError, ValueError, LookupError, TypeError):
            continue
        wanted = group.get("labels", {}).get("__quaystream_identity")
        current = identity(pid)
        if current is not None and wanted in (None, current):
            yield file, address
