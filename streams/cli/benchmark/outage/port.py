"""The port at work: appends lines to the gateway's file when they are due, in a thread."""

import threading
import time
from itertools import islice
from pathlib import Path

from streams.cli.benchmark.outage.lines import Lines

_TICK_S = 0.05


class Port:
    """Writes as planned from `start` on. `written` lines so far; `behind_s` is how late it was at worst."""

    def __init__(self, lines: Lines, into: Path) -> None:
        self.written = 0
        self.behind_s = 0.0
        self._lines = lines
        self._into = into
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._began_s = 0.0

    @property
    def total(self) -> int:
        """Lines in all."""
        return len(self._lines.due_s)

    def start(self) -> None:
        """From now on."""
        self._began_s = time.monotonic()
        self._thread.start()

    def elapsed_s(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began_s

    def is_done(self) -> bool:
        """Whether every line is written."""
        return self.written == self.total

    def _write(self) -> None:
        due_s = self._lines.due_s
        with self._lines.file.open("rb") as lines, self._into.open("ab") as file:
            while self.written < len(due_s):
                now_s = self.elapsed_s()
                end = self.written
                while end < len(due_s) and due_s[end] <= now_s:
                    end += 1
                if end > self.written:
                    self.behind_s = max(self.behind_s, now_s - due_s[self.written] - _TICK_S)
                    file.writelines(islice(lines, end - self.written))
                    file.flush()
                    self.written = end
                time.sleep(_TICK_S)
