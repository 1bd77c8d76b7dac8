"""A real worker process: started, asked over HTTP, frozen, killed by its own pid, its log kept."""

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.waiting import wait_until

COMMAND = (sys.executable, "-m", "streams.cli")
LAG = "quaystream_partition_lag_records"
START_S = 120.0
STOP_S = 30.0
_SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Worker:
    """A running (or ended) `quaystream worker`."""

    process: "subprocess.Popen[bytes]"
    port: int
    log_file: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        """Everything it said so far."""
        return self.log_file.read_text(errors="replace")

    def page(self, path: str) -> tuple[int, str]:
        """(status, text) of a page; (0, why) while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def samples(self, name: str, **labels: str) -> list[float]:
        """A metric's samples that carry these labels."""
        _, text = self.page("/metrics")
        return [
            float(found["value"])
            for found in _SAMPLE.finditer(text)
            if found["name"] == name and labels.items() <= dict(_LABEL.findall(found["labels"] or "")).items()
        ]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of those samples; 0 when there is none."""
        return sum(self.samples(name, **labels))

    def await_no_lag(self, within_s: float = 20.0) -> None:
        """Until it says that no record waits in any of its partitions."""
        wait_until(lambda: set(self.samples(LAG)) == {0.0}, within_s, "nothing waits")

    def is_running(self) -> bool:
        return self.process.poll() is None

    def await_ready(self, within_s: float = START_S) -> "Worker":
        """Until it has its partitions; fails at once when it ends instead."""

        def ready() -> bool:
            assert self.is_running(), f"the worker ended with {self.process.returncode}:\n{self.log()[-3000:]}"
            return self.page("/readyz")[0] == 200

        wait_until(ready, within_s, "the worker is ready")
        return self

    def ended(self, within_s: float = STOP_S) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(within_s)

    def stop(self, within_s: float = STOP_S) -> int:
        """Ask it to stop, wait; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def kill(self) -> None:
        """As a crash of the machine would: no clean-up whatever."""
        self.process.kill()
        self.process.wait(STOP_S)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def children(self) -> set[int]:
        """The process ids of its child workers that are alive."""
        children = psutil.Process(self.pid).children()
        return {child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE}

    def rss_bytes(self) -> int:
        """Resident memory now."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def end(self) -> None:
        """Whatever state it is in, afterwards it is gone."""
        if self.is_running():
            self.process.send_signal(signal.SIGCONT)
            self.kill()


class Workers:
    """Starts workers of one test with its settings and ends them all."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self.started: list[Worker] = []

    def start(self, *arguments: str, **settings: object) -> Worker:
        """Start one and return at once; settings by their names (`web_port`), None removes one."""
        port = settings.setdefault("web_port", free_port())
        log_file = self._folder / f"worker-{len(self.started)}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [*COMMAND, "worker", *arguments],
                env=with_settings(self._environment, settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.started.append(Worker(process, int(str(port or 0)), log_file))
        return self.started[-1]

    def ready(self, **settings: object) -> Worker:
        """Start one and wait until it has its partitions."""
        return self.start(**settings).await_ready()

    def end(self) -> None:
        for worker in self.started:
            worker.end()

    def logs(self) -> str:
        """What all of them said last."""
        return "\n".join(f"--- {worker.log_file.name}\n{worker.log()[-4000:]}" for worker in self.started)


def with_settings(environment: Mapping[str, str], settings: Mapping[str, object]) -> dict[str, str]:
    """The environment with settings changed; None removes one."""
    changed = {f"QUAYSTREAM_{name.upper()}": value for name, value in settings.items()}
    merged = {**environment, **changed}
    return {name: str(value) for name, value in merged.items() if value is not None}


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
