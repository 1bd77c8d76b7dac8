"""Starts an edge node that is not ours (pysparkplug), with its packages apart from ours: they want an older MQTT client."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.local.home import downloads, locked

_LOCK = Path(__file__).parents[1] / "data" / "sparkplug" / "requirements.lock"
_PROGRAM = Path(__file__).with_name("sparkplug_node.py")


def packages() -> Path:
    """The folder of pysparkplug and what it needs; downloaded on first use, a few seconds."""
    folder = downloads() / f"pysparkplug-{hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:12]}"
    with locked(downloads() / ".pysparkplug.lock"):
        if not folder.is_dir():
            partial = folder.with_suffix(".partial")
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
            done = subprocess.run(
                [*pip, "--target", str(partial), "-r", str(_LOCK)], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            partial.rename(folder)
    return folder


def metric(name: str | None, kind: str, value: Any, at: int, **more: Any) -> dict[str, Any]:
    """One metric for the node, taken at `at` (epoch milliseconds)."""
    return {"name": name, "type": kind, "value": value, "at": at, **more}


class EdgeNode:
    """The program; `said` is what it printed."""

    def __init__(self, port: int) -> None:
        environment = {**os.environ, "PYTHONPATH": str(packages())}
        command = [sys.executable, str(_PROGRAM), "127.0.0.1", str(port)]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.said: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def do(self, what: str, **words: Any) -> None:
        """Tell it; does not wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **words}) + "\n")
        self._process.stdin.flush()

    def was_asked_for_rebirth(self) -> int:
        """How often it heard the command, as it understood it."""
        return sum(words.get("asked") == [["Node Control/Rebirth", True]] for words in self.said)

    def end(self) -> None:
        """Close its input, and it ends."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)

    def _read(self) -> None:
        assert self._process.stdout is not None
        lines: Iterable[str] = self._process.stdout
        self.said.extend(json.loads(line) for line in lines)
