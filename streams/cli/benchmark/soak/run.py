"""One soak: two gateways, two workers, the simulated port twice, faults as scheduled, looks all the time; then the ledger.

One worker and one gateway are left alone, so that their memory has an hour to grow in; the others are struck.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import psycopg

from deploy.local.stack import Stack
from streams.cli.benchmark.outage.drill import say
from streams.cli.benchmark.outage.plan import Plan
from streams.cli.benchmark.outage.port import Port
from streams.cli.benchmark.outage.programs import Program
from streams.cli.benchmark.soak.faults import Fault, schedule
from streams.cli.benchmark.soak.judge import Sample
from streams.cli.benchmark.soak.watch import Watch
from streams.settings import Settings

LOOK_S: Final = 5.0
CALM_S: Final = 20.0
NAMES: Final = ("still", "struck")
_SETTINGS: Final = {"QUAYSTREAM_SESSION_TIMEOUT": "6s"}
_CONFIG: Final = """source = "/vnhph/tanvu/gw-soak-{name}"
[spool]
path = "{folder}/spool.db"
[delivery]
timeout = "5s"
[[sources]]
kind = "files"
name = "port"
folder = "{folder}/inbox"
pattern = "*.jsonl"
poll_s = 0.1
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """How long, how fast (events a second, of both ports together), and the seed of ports and faults."""

    minutes: float = 60.0
    per_s: float = 400.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Soaked:
    """What was seen, what was done, and whether the ledger agrees with what the ports say they wrote."""

    samples: list[Sample]
    faults: list[Fault]
    written: int
    verified: bool


class Soak:
    """`run` once, on a stack whose event topics and database are empty."""

    def __init__(self, asked: Asked, settings: Settings, stack: Stack, folder: Path) -> None:
        self._asked = asked
        self._settings = settings
        self._stack = stack
        self._folder = folder
        environment = {**os.environ, **_SETTINGS}
        self._workers = {name: Program(environment, folder / f"worker-{name}.log", "worker") for name in NAMES}
        self._gateways = {name: self._gateway(environment, name) for name in NAMES}
        plans = [Plan(per_s=asked.per_s / len(NAMES), seed=asked.seed + n) for n in range(len(NAMES))]
        self._ports = [
            Port(plan, folder / name / "inbox" / "port.jsonl") for plan, name in zip(plans, NAMES, strict=True)
        ]
        self._paused: list[psutil.Process] = []
        self._healed_s = -CALM_S

    def run(self) -> Soaked:
        """Raises CheckFailedError when something does not start."""
        programs = [*self._workers.values(), *self._gateways.values()]
        with self._running(programs), psycopg.connect(self._settings.owner_dsn(), autocommit=True) as tables:
            named = {f"worker {name}": one for name, one in self._workers.items()}
            named |= {f"gateway {name}": one for name, one in self._gateways.items()}
            for port in self._ports:
                port.start()
            samples = self._soak(Watch(named, tables))
            truths = [port.stop() for port in self._ports]
            for program in programs:
                if program.pid is None:
                    program.start()
            judged = [self._verified(name, truth) for name, truth in zip(NAMES, truths, strict=True)]
        written = sum(port.written for port in self._ports)
        return Soaked(samples, schedule(self._asked.seed, self._asked.minutes * 60), written, all(judged))

    def _soak(self, watch: Watch) -> list[Sample]:
        samples: list[Sample] = []
        started, seconds = time.monotonic(), self._asked.minutes * 60
        due = schedule(self._asked.seed, seconds)
        while (at_s := time.monotonic() - started) < seconds:
            if due and due[0].at_s <= at_s:
                self._strike(due.pop(0))
                self._healed_s = time.monotonic() - started
            # None was struck since the last look, nor shortly before it.
            samples += watch.look(at_s, is_calm=at_s - self._healed_s > CALM_S)
            time.sleep(max(0.0, LOOK_S - (time.monotonic() - started - at_s)))
        return samples

    def _strike(self, fault: Fault) -> None:
        say(f"{fault.kind} {fault.for_s:.1f} s")
        strikes: Mapping[str, Callable[[float], None]] = {
            "term_worker": lambda _: self._again(self._workers["struck"], Program.stop),
            "kill_worker": lambda _: self._again(self._workers["struck"], Program.kill),
            "kill_gateway": lambda _: self._again(self._gateways["struck"], Program.kill),
            "pause_broker": lambda for_s: self._pause("kafka", for_s),
            "pause_database": lambda for_s: self._pause("timescaledb", for_s),
        }
        strikes[fault.kind](fault.for_s)

    def _again(self, program: Program, end: Callable[[Program], object]) -> None:
        end(program)
        program.start()

    def _pause(self, part: str, for_s: float) -> None:
        """SIGSTOP to a server and its children, SIGCONT after a while."""
        pid = self._stack.pid(part)
        if pid is None:
            return
        server = psutil.Process(pid)
        self._paused = [server, *server.children(recursive=True)]
        try:
            for process in self._paused:
                _signal(process, signal.SIGSTOP)
            time.sleep(for_s)
        finally:
            self._go_on()

    def _go_on(self) -> None:
        for process in self._paused:
            _signal(process, signal.SIGCONT)
        self._paused = []

    @contextmanager
    def _running(self, programs: list[Program]) -> Iterator[None]:
        for program in programs:
            program.start()
        try:
            for program in programs:
                program.await_ready()
            yield
        finally:
            self._go_on()
            for program in programs:
                program.stop()

    def _gateway(self, environment: Mapping[str, str], name: str) -> Program:
        folder = self._folder / name
        (folder / "inbox").mkdir(parents=True)
        config = folder / "gateway.toml"
        config.write_text(_CONFIG.format(name=name, folder=folder), encoding="utf-8")
        return Program(environment, folder / "gateway.log", "gateway", str(config))

    def _verified(self, name: str, truth: object) -> bool:
        file = self._folder / f"truth-{name}.json"
        file.write_text(json.dumps(truth), encoding="utf-8")
        command = [sys.executable, "-m", "streams.cli", "verify", "--truth", str(file), "--wait", "300s"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        say(done.stdout + done.stderr)
        return done.returncode == 0


def _signal(process: psutil.Process, which: signal.Signals) -> None:
    try:
        process.send_signal(which)
    except psutil.NoSuchProcess:
        return
