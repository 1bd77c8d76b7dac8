"""One drill: two workers of the version before, a port that goes on, each worker replaced by the next version, and back."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from schemas.errors import CheckFailedError
from streams.cli.benchmark.outage.programs import Program, wait_until
from streams.cli.benchmark.rolling.pauses import Look, Watch, longest, still
from streams.cli.benchmark.rolling.versions import Version

WORKERS: Final = 2
# A partition that gets fewer records stands still for lack of them.
BUSY_PER_S: Final = 10.0
_LABEL: Final = re.compile(r'^quaystream_build_info\{version="([^"]+)"\} 1', re.MULTILINE)
_LIMIT_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Records a second, seconds of quiet running before the first and after each change, the simulated port's seed."""

    per_s: float = 1_500.0
    settle_s: float = 10.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Step:
    """One worker replaced. `pause_s`: the longest that a busy partition stood still; `still_s`: that all of them did."""

    what: str
    took_s: float
    pause_s: float
    still_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it; `before_s` is the longest standstill of a busy partition while nothing was changed."""

    before: str
    after: str
    records: int
    accepted: int
    duplicate: int
    rejected: int
    missing: int
    sent: int
    busy: int
    before_s: float
    steps: Sequence[Step]
    load: float
    differences: Sequence[str]

    def problems(self) -> list[str]:
        """What must not be, whatever the machine."""
        wrong = [f"verify: {line}" for line in self.differences]
        counts = {"duplicates": self.duplicate, "rejected": self.rejected, "missing": self.missing}
        wrong += [f"{count:,} {what}" for what, count in counts.items() if count]
        if self.accepted != self.sent:
            wrong.append(f"{self.sent:,} events were sent, {self.accepted:,} are accepted")
        return wrong

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Drill:
    """`run` once, on event topics and a database that are empty and migrated to the newest schema."""

    def __init__(
        self, plan: Plan, before: Version, after: Version, environment: Mapping[str, str], folder: Path
    ) -> None:
        self._plan = plan
        self._before, self._after = before, after
        self._environment = environment
        self._folder = folder
        self._watch = Watch(environment["QUAYSTREAM_OWNER_URL"])
        self._workers: list[Program] = []
        self._port: subprocess.Popen[bytes] | None = None

    def run(self) -> Result:
        """Raises CheckFailedError when something does not happen in time."""
        with self._all_ended():
            self._workers = [self._launched(self._before, number) for number in range(WORKERS)]
            for worker in self._workers:
                self._await(worker, self._before)
            port = self._port = self._start_port()
            self._watch.start()
            self._settle(0)
            begin = len(self._watch.looks)
            self._settle(self._plan.settle_s)
            calm = self._watch.looks[begin:]
            steps = [(self._replace(n, to), n, to) for to in (self._after, self._before) for n in range(WORKERS)]
            if port.poll() is not None:
                raise CheckFailedError(f"the port ended by itself: see {self._folder}/port.log")
            port.send_signal(signal.SIGTERM)
            port.wait(_LIMIT_S)
            return self._judge(calm, steps)

    def _replace(self, number: int, to: Version) -> list[Look]:
        """Ask a worker to stop, wait for its end, start its successor, go on for a while; the looks of that time."""
        since = len(self._watch.looks)
        code = self._workers[number].stop()
        if code != 0:
            raise CheckFailedError(f"a worker ended with {code}: see {self._workers[number].log}")
        self._workers[number] = self._launched(to, number)
        self._await(self._workers[number], to)
        self._settle(self._plan.settle_s)
        return self._watch.looks[since:]

    def _launched(self, version: Version, number: int) -> Program:
        log = self._folder / f"worker-{number}-{version.label}.log"
        worker = Program(version.environment(self._environment), log, "worker")
        worker.start()
        return worker

    def _await(self, worker: Program, version: Version) -> None:
        """Until it has partitions, and says that it is of that version."""
        worker.await_ready(_LIMIT_S)
        told = _LABEL.search(worker.page("/metrics") or "")
        if told is None or told[1] != version.label:
            raise CheckFailedError(f"a worker of {version.label} says it is {told and told[1]}")

    def _settle(self, seconds: float) -> None:
        """Until so much time has passed and something was stored in it."""
        stored = self._watch.outcomes()
        time.sleep(seconds)
        wait_until(lambda: self._watch.outcomes() > stored, _LIMIT_S, "something is stored")

    def _start_port(self) -> "subprocess.Popen[bytes]":
        options = ["--seed", str(self._plan.seed), "--duration", "48h", "--rate", str(self._plan.per_s)]
        command = [sys.executable, "-m", "streams.cli", "simulate", *options, "--truth", str(self._truth())]
        with (self._folder / "port.log").open("wb") as log:
            return subprocess.Popen(command, env=dict(self._environment), stdout=log, stderr=subprocess.STDOUT)  # noqa: S603

    def _judge(self, calm: Sequence[Look], steps: Sequence[tuple[Sequence[Look], int, Version]]) -> Result:
        answer = self._verified()
        self._watch.stop()
        busy = self._watch.busy(BUSY_PER_S)
        totals = {
            name: sum(line[name] for line in answer["partitions"])
            for name in ("accepted", "duplicate", "rejected", "missing")
        }
        return Result(
            before=self._before.label,
            after=self._after.label,
            records=self._watch.outcomes(),
            sent=json.loads(self._truth().read_text(encoding="utf-8"))["produced"],
            busy=len(busy),
            before_s=round(max(longest(calm, busy).values(), default=0.0), 2),
            steps=[
                Step(
                    f"worker {number + 1} to {version.label}",
                    round(looks[-1].at_s - looks[0].at_s - self._plan.settle_s, 1),
                    round(max(longest(looks, busy).values(), default=0.0), 2),
                    round(still(looks), 2),
                )
                for looks, number, version in steps
            ],
            load=round(os.getloadavg()[1], 1),
            differences=[*answer["differences"], *answer["notes"]],
            **totals,
        )

    def _verified(self) -> dict[str, Any]:
        """By the newest version, with the simulated port's truth."""
        command = [
            sys.executable,
            "-m",
            "streams.cli",
            "verify",
            "--json",
            "--wait",
            "300s",
            "--truth",
            str(self._truth()),
        ]
        done = subprocess.run(command, env=dict(self._environment), capture_output=True, text=True, check=False)  # noqa: S603
        if not done.stdout:
            raise CheckFailedError(f"verify ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _truth(self) -> Path:
        return self._folder / "truth.json"

    @contextmanager
    def _all_ended(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._watch.stop()
            if self._port is not None and self._port.poll() is None:
                self._port.kill()
            for worker in self._workers:
                worker.stop()


def as_table(result: Result) -> str:
    """For docs/how-to/upgrade.md and people."""
    rows = [
        "| change | took | longest pause of a busy partition | nothing stored at all |",
        "|---|---|---|---|",
        f"| none | | {result.before_s:.1f} s | |",
        *(
            f"| {step.what} | {step.took_s:.1f} s | {step.pause_s:.1f} s | {step.still_s:.1f} s |"
            for step in result.steps
        ),
    ]
    counts = (
        f"{result.sent:,} events sent, {result.accepted:,} accepted, {result.duplicate} duplicates, {result.rejected} rejected, "
        f"{result.missing} missing; {result.busy} busy partitions; load {result.load}"
    )
    return "\n".join([*rows, "", counts])
