"""A real gateway process: started, killed by its own pid, started again; and equipment that writes lines for it."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.ports import is_free
from tests.support.waiting import wait_until
from tests.support.worker import COMMAND, Worker, free_port, with_settings

SOURCE = "/vnhph/tanvu/gw-07"
CRANES = [f"VNHPH-TANVU-STS{number:02d}" for number in range(1, 21)]
_TICK_S = 0.05


class Gateway:
    """One spool, one config, and one process after another."""

    def __init__(self, environment: Mapping[str, str], folder: Path, sources: str, **delivery: object) -> None:
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.spool = folder / "spool.db"
        self.config = folder / "gateway.toml"
        self.http_port = free_port()
        self._listens = "{port}" in sources
        self._log = folder / "gateway.log"
        self._port = free_port()
        self._environment = with_settings(environment, {"web_port": self._port})
        self.process: subprocess.Popen[bytes] | None = None
        options = "\n".join(f"{name} = {json.dumps(value)}" for name, value in delivery.items())
        filled = sources.format(inbox=self.inbox, port=self.http_port)
        self.config.write_text(
            f'source = "{SOURCE}"\n[spool]\npath = "{self.spool}"\n[delivery]\n{options}\n{filled}', encoding="utf-8"
        )

    def start(self) -> "Gateway":
        """Start a process; does not wait."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "gateway", str(self.config)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def ready(self) -> "Gateway":
        """Start one and wait until its spool takes events, and its web server, where it has one, listens."""
        self.start()
        wait_until(lambda: self.asked.page("/readyz")[0] == 200, 60, "the gateway is ready")
        if self._listens:
            wait_until(lambda: not is_free(self.http_port), 60, "the gateway listens")
        return self

    def kill(self) -> None:
        """SIGKILL, by its own pid."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    @property
    def asked(self) -> Worker:
        """Who answers about metrics and pages."""
        assert self.process is not None
        return Worker(self.process, self._port, self._log)

    def last_words(self) -> str:
        """What it counts and says, for people who look at a failed test."""
        _, page = self.asked.page("/metrics")
        counted = [line for line in page.splitlines() if line.startswith(("quaystream_gateway", "quaystream_spool"))]
        return "\n".join([*(line for line in counted if "bucket" not in line), self.log()[-3000:]])

    def log(self) -> str:
        return self._log.read_text(errors="replace")


class Equipment:
    """Appends one event a line, so many a second, each with its own reading and the time of its writing."""

    def __init__(self, file: Path, per_s: float) -> None:
        self.written = 0
        self._file = file
        self._per_s = per_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _write(self) -> None:
        began = time.monotonic()
        with self._file.open("a", encoding="utf-8") as lines:
            while not self._stop.wait(_TICK_S):
                due = int((time.monotonic() - began) * self._per_s)
                lines.writelines(self._line(number) for number in range(self.written + 1, due + 1))
                lines.flush()
                self.written = max(self.written, due)

    def _line(self, number: int) -> str:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return json.dumps(reading(CRANES[number % len(CRANES)], number, now)) + "\n"


def reading(crane: str, number: int, time_text: str) -> dict[str, Any]:
    """A crane's event without an identity; the meter reading tells which one it is."""
    data = {"energy_total_kwh": float(number), "load_t": 20.5, "wind_mps": 6.25}
    return {"type": "io.quaystream.crane.sample.v1", "subject": crane, "time": time_text, "data": data}


@contextmanager
def at_work(equipment: Equipment) -> Iterator[Equipment]:
    """While it writes."""
    equipment.start()
    try:
        yield equipment
    finally:
        equipment.stop()
