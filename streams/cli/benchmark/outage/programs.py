"""The programs of the drill as processes: started, killed by their own pid, asked for their metrics."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from schemas.errors import CheckFailedError

_SAMPLE: Final = re.compile(r"^(?P<name>[a-z_]+)(?:\{.*\})? (?P<value>\S+)$", re.MULTILINE)
_POLL_S: Final = 0.1
_END_S: Final = 30.0


class Program:
    """One `quaystream` command, one process after another; its words go to a log."""

    def __init__(self, environment: Mapping[str, str], log: Path, *arguments: str) -> None:
        self.port = _free_port()
        self._environment = {**environment, "QUAYSTREAM_WEB_PORT": str(self.port)}
        self.log = log
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """A new process; does not wait."""
        command = [sys.executable, "-m", "streams.cli", *self._arguments]
        with self.log.open("ab") as words:
            self._process = subprocess.Popen(  # noqa: S603
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT
            )

    def await_ready(self, within_s: float = 120.0) -> None:
        """Until /readyz says yes."""
        wait_until(lambda: self._page("/readyz") is not None, within_s, f"{self._arguments[0]} is ready")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_END_S)

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process is not None else None

    def stop(self) -> int | None:
        """SIGTERM; its exit code, None when it has to be killed."""
        if self._process is None:
            return None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def metric(self, name: str) -> float | None:
        """The sum of a metric's samples; None while it does not answer."""
        page = self._page("/metrics")
        if page is None:
            return None
        return sum(float(found["value"]) for found in _SAMPLE.finditer(page) if found["name"] == name)

    def _page(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            return None


def wait_until(holds: Callable[[], bool], within_s: float, what: str) -> None:
    """Raises CheckFailedError when it does not."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise CheckFailedError(f"not within {within_s:.0f} s: {what}")
        time.sleep(_POLL_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
