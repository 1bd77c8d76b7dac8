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
        self.port = free_port()
        self._environment = {**environment, "QUAYSTREAM_WEB_PORT": str(self.port)}
        self.log = log
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **more: str) -> None:
        """A new process, with `more` in its environment; does not wait."""
        command, environment = [sys.executable, "-m", "streams.cli", *self._arguments], {**self._environment, **more}
        with self.log.open("ab") as words:
            self._process = subprocess.Popen(  # noqa: S603
                command, env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT
            )

    def tell(self, what: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(what)

    def ended(self) -> int | None:
        """The exit code of a process that has ended by itself or by a signal; None while it runs."""
        return None if self._process is None else self._process.poll()

    def await_ready(self, within_s: float = 120.0) -> None:
        """Until /readyz says yes. Raises CheckFailedError at once when it has ended, with its last words."""
        wait_until(self._is_ready, within_s, f"{self._arguments[0]} is ready")

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
        page = self.page("/metrics")
        if page is None:
            return None
        return sum(float(found["value"]) for found in _SAMPLE.finditer(page) if found["name"] == name)

    def _is_ready(self) -> bool:
        if self._process is not None and (code := self._process.poll()) is not None:
            last = self.log.read_text(encoding="utf-8", errors="replace").rstrip().rpartition("\n")[2]
            raise CheckFailedError(f"the {self._arguments[0]} ended with {code}: {last}")
        return self.page("/readyz") is not None

    def page(self, path: str) -> str | None:
        """The text of a page; None while it does not answer or is not well."""
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


def free_port() -> int:
    """One that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
