"""Alarm drills on a local stack that is up and migrated: each causes a fault, waits for its alert, repairs, and measures.

    python -m deploy.monitoring.drills            all of them, one after the other
    python -m deploy.monitoring.drills FAULT…     only these

Empties nothing, but pauses, stops and restarts: not for a stack that somebody uses. Exit code 1: a drill did not go as stated.
"""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from deploy.local.stack import Stack

COMMAND = (sys.executable, "-m", "streams.cli")
CALM_S = 900.0
CLEAR_S = 300.0
# How long other pages are looked for after the alert has fired, and after it has cleared.
WATCH_S = 20.0


@dataclass
class Ground:
    """A stack with one worker and a live simulated port, and what is done to them."""

    stack: Stack
    worker: "subprocess.Popen[bytes]"
    held: "list[psycopg.Connection[tuple[object, ...]]]" = field(default_factory=list)

    def firing(self) -> set[tuple[str, str]]:
        """(severity, name) of what Alertmanager tells: neither held back nor silenced."""
        alerts = _get(self.stack.status().alertmanager, "/api/v2/alerts?active=true&inhibited=false&silenced=false")
        return {(alert["labels"]["severity"], alert["labels"]["alertname"]) for alert in alerts}

    def is_calm(self, alert: str) -> bool:
        """Whether a worker has partitions, and `alert` neither fires nor is on its way."""
        asked = "/api/v1/query?query=count(quaystream_partition_lag_records)"
        alerts = _get(self.stack.status().prometheus, "/api/v1/alerts")["data"]["alerts"]
        has_worker = bool(_get(self.stack.status().prometheus, asked)["data"]["result"])
        known = {one["labels"]["alertname"] for one in alerts} | {name for _, name in self.firing()}
        return has_worker and alert not in known

    def freeze(self) -> None:
        self.worker.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.worker.send_signal(signal.SIGCONT)

    def lock(self) -> None:
        """Hold a table that crane transactions write to."""
        connection = psycopg.connect(str(self.stack.status().database_url))
        connection.execute("LOCK TABLE port.crane_sample IN ACCESS EXCLUSIVE MODE")
        self.held.append(connection)

    def unlock(self) -> None:
        while self.held:
            self.held.pop().close()

    def poison(self) -> None:
        """More unreadable records in a row than the dead-letter bound allows."""
        asyncio.run(_send(str(self.stack.status().brokers), "gate-events", b"\xff", 6_000))

    def resume(self) -> None:
        subprocess.run([*COMMAND, "dead-letters", "resume", "gate-events"], check=True, capture_output=True)


@dataclass(frozen=True)
class Drill:
    """A fault, the alert it must raise within `within_s` seconds, and its repair."""

    fault: str
    alert: str
    within_s: float
    harm: Callable[[Ground], object]
    repair: Callable[[Ground], object]


@dataclass(frozen=True)
class Result:
    """What came of it; None where the alert did not fire, or did not clear."""

    drill: Drill
    fired_s: float | None
    cleared_s: float | None
    other_pages: frozenset[str]

    def is_as_stated(self) -> bool:
        return self.fired_s is not None and self.cleared_s is not None and not self.other_pages


DRILLS = (
    Drill("worker-frozen", "WorkersDown", 120, Ground.freeze, Ground.thaw),
    Drill(
        "database-down",
        "DatabaseDown",
        180,
        lambda g: g.stack.stop("timescaledb"),
        lambda g: g.stack.start("timescaledb"),
    ),
    Drill("broker-down", "BrokerUnreachable", 210, lambda g: g.stack.stop("kafka"), lambda g: g.stack.start("kafka")),
    Drill("poison-burst", "PartitionPaused", 120, Ground.poison, Ground.resume),
    Drill("table-locked", "WorkerStalled", 240, Ground.lock, Ground.unlock),
)


def _get(address: str | None, path: str) -> Any:
    connection = http.client.HTTPConnection(str(address).removeprefix("http://"), timeout=10)
    connection.request("GET", path)
    try:
        return json.load(connection.getresponse())
    finally:
        connection.close()


async def _send(brokers: str, topic: str, value: bytes, count: int) -> None:
    async with Publisher(KafkaAccess(brokers)) as publisher:
        for _ in range(count):
            await publisher.send(topic, b"drill", value)


@contextmanager
def ground(home: Path) -> Iterator[Ground]:
    """The stack of `home` with a worker and a port that speaks all the time."""
    with (home / "logs" / "drills.log").open("ab") as log:
        running = [
            subprocess.Popen([*COMMAND, *arguments], stdout=log, stderr=log)
            for arguments in (("worker",), ("simulate", "--live", "--duration", "6h", "--seed", str(os.getpid())))
        ]
        try:
            yield Ground(Stack(home), running[0])
        finally:
            for process in running:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                process.wait(60)


def play(drill: Drill, place: Ground) -> Result:
    """Once its alert is quiet: harm, wait, repair, wait. What paged before is not this fault's."""
    pages: set[str] = set()
    if _until(lambda: place.is_calm(drill.alert), CALM_S) is None:
        raise SystemExit(f"{drill.fault}: {drill.alert} fires already, or no worker is ready: {place.firing()}")
    before = _pages(place, set())
    drill.harm(place)
    fired_s = _until(lambda: drill.alert in _pages(place, pages), drill.within_s)
    _watch(place, pages)
    drill.repair(place)
    cleared_s = _until(lambda: drill.alert not in _pages(place, pages), CLEAR_S)
    _watch(place, pages)
    return Result(drill, fired_s, cleared_s, frozenset(pages - before - {drill.alert}))


def _pages(place: Ground, seen: set[str]) -> set[str]:
    now = {name for severity, name in place.firing() if severity == "page"}
    seen |= now
    return now


def _watch(place: Ground, seen: set[str]) -> None:
    """Note what else pages for a while."""
    ends = time.monotonic() + WATCH_S
    while time.monotonic() < ends:
        _pages(place, seen)
        time.sleep(0.5)


def _until(condition: Callable[[], bool], within_s: float) -> float | None:
    """Seconds until it held, None when it did not."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < within_s:
        if condition():
            return passed
        time.sleep(0.5)
    return None


def line(result: Result) -> str:
    """A row of the table in docs/drills.md."""
    drill, others = result.drill, ", ".join(sorted(result.other_pages)) or "none"
    fired, cleared = (f"{s:.0f} s" if s is not None else "no" for s in (result.fired_s, result.cleared_s))
    return f"| {drill.fault} | {drill.alert} | {drill.within_s:.0f} s | {fired} | {cleared} | {others} |"


def main(faults: Sequence[str]) -> int:
    """Play the drills; prints a row for each."""
    unknown = sorted(set(faults) - {drill.fault for drill in DRILLS})
    if unknown:
        print(
            f"no such drill: {', '.join(unknown)}; there are {', '.join(drill.fault for drill in DRILLS)}",
            file=sys.stderr,
        )
        return 2
    home = Path(os.environ.get("QUAYSTREAM_HOME", ".quaystream"))
    with ground(home) as place:
        results = []
        for drill in DRILLS:
            if not faults or drill.fault in faults:
                results.append(play(drill, place))
                print(line(results[-1]), flush=True)
    return 0 if all(result.is_as_stated() for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
