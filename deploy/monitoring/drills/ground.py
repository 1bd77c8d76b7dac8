"""A local stack with one worker and a live simulated port, and what its Prometheus and Alertmanager tell."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import urlencode

import psycopg

from deploy.local.stack import Stack
from schemas.errors import ServiceUnreachableError

COMMAND = (sys.executable, "-m", "streams.cli")
_ENDS_S = 60.0
_STARTS = 3


class Alert(NamedTuple):
    """An alert as somebody hears of it: a name may page for one window and be a ticket for a longer one."""

    severity: str
    name: str


@dataclass
class Ground:
    """Programs run by name until they are ended; `held` are what a fault holds open until its repair."""

    stack: Stack
    log: IO[bytes]
    running: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    held: ExitStack = field(default_factory=ExitStack)

    def run(self, name: str, *arguments: str) -> None:
        """Start a command of quaystream, or what else is named by a module: `-m`, its name."""
        command = (sys.executable, *arguments) if arguments[0] == "-m" else (*COMMAND, *arguments)
        self.running[name] = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def end(self, name: str) -> None:
        """Ask it to end; one that cannot (its broker is away) is killed, so that none is left behind."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(_ENDS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_ENDS_S)

    def start(self, part: str) -> None:
        """Start a part of the stack. On a busy machine it may take longer than `up` waits: it goes on, and so do we."""
        for _ in range(_STARTS):
            try:
                self.stack.start(part)
            except ServiceUnreachableError:
                continue
            else:
                return
        self.stack.start(part)

    def tell(self, name: str, what: signal.Signals) -> None:
        self.running[name].send_signal(what)

    def speak(self) -> None:
        """Let the simulated port speak: another run each time, as after a restart."""
        self.run("port", "simulate", "--live", "--duration", "6h", "--seed", f"{os.getpid()}{int(time.time())}")

    def owner(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection as the database's owner."""
        return psycopg.connect(str(self.stack.status().database_url))

    def firing(self) -> set[Alert]:
        """What Alertmanager tells: neither held back nor silenced."""
        alerts = _get(self.stack.status().alertmanager, "/api/v2/alerts?active=true&inhibited=false&silenced=false")
        return {_alert(one) for one in alerts}

    def is_calm(self, alert: Alert) -> bool:
        """Whether a worker has partitions, and `alert` neither fires nor is on its way."""
        alerts = _get(self.stack.status().prometheus, "/api/v1/alerts")["data"]["alerts"]
        known = {_alert(one) for one in alerts} | self.firing()
        return self._knows("count(quaystream_partition_lag_records)") and alert not in known

    def has_rested(self) -> bool:
        """Whether no outage was in the last 15 minutes, in which what it delayed does not page."""
        return not self._knows("max_over_time(quaystream:outage[15m])")

    def _knows(self, query: str) -> bool:
        """Whether Prometheus has any value for a query."""
        path = f"/api/v1/query?{urlencode({'query': query})}"
        return bool(_get(self.stack.status().prometheus, path)["data"]["result"])


def _alert(told: Any) -> Alert:
    return Alert(told["labels"]["severity"], told["labels"]["alertname"])


def _get(address: str | None, path: str) -> Any:
    connection = http.client.HTTPConnection(str(address).removeprefix("http://"), timeout=10)
    connection.request("GET", path)
    try:
        return json.load(connection.getresponse())
    finally:
        connection.close()


@contextmanager
def ground(home: Path) -> Iterator[Ground]:
    """The stack of `home` with a worker and a port that speaks all the time."""
    with (home / "logs" / "drills.log").open("ab") as log:
        place = Ground(Stack(home), log)
        place.run("worker", "worker")
        place.speak()
        try:
            yield place
        finally:
            place.held.close()
            for name in tuple(place.running):
                place.end(name)
