"""One drill: start, break, kill, mend, watch live events stay fresh while the backlog goes, then judge everything."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import psycopg

from deploy.local.stack import Stack
from schemas.errors import CheckFailedError, ServiceUnreachableError
from streams.cli.access import kafka_access
from streams.cli.benchmark.outage.arrivals import read_arrivals
from streams.cli.benchmark.outage.folds import Folds
from streams.cli.benchmark.outage.plan import Plan
from streams.cli.benchmark.outage.port import Port
from streams.cli.benchmark.outage.programs import Program, wait_until
from streams.settings import Settings

FRESH_S: Final = 5.0
_LOOK_S: Final = 0.25
_STARTS: Final = 5
_NEWEST_AGE: Final = "SELECT extract(epoch FROM clock_timestamp() - max(time)) FROM port.crane_sample"
_CONFIG: Final = """source = "/vnhph/tanvu/gw-drill"
[spool]
path = "{folder}/spool.db"
max_bytes = "8GiB"
[delivery]
timeout = "5s"
catch_up_per_s = {catch_up}
[[sources]]
kind = "files"
name = "port"
folder = "{folder}/inbox"
pattern = "*.jsonl"
poll_s = 0.1
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `oldest_newest_s`: how old the newest stored crane sample was at worst during the catch-up.

    `refolded`: keys (cranes, visits, calls, boxes, cells) that were folded again for what the outage had kept waiting;
    `refolds`: how often all of them together, `refolds_most`: the one that was folded most often. `folds`: every fold of
    the drill; `folds_counted`: the same by the worker's metric.
    """

    written: int
    port_behind_s: float
    waiting_after_outage: float
    fresh_after_s: float
    catch_up_s: float
    oldest_newest_s: float
    records: int
    events: int
    out_of_order: int
    refolded: int
    refolds: int
    refolds_most: int
    folds: int
    folds_counted: int
    load: float
    verified: bool

    def problems(self, plan: Plan) -> list[str]:
        """What must not be."""
        wrong = []
        if not self.verified:
            wrong.append("verify --truth found differences")
        if self.events != self.written:
            wrong.append(f"{self.written:,} lines were written, {self.events:,} events are in Kafka")
        if self.out_of_order:
            wrong.append(f"{self.out_of_order:,} events came out of the order of both lanes")
        if plan.is_live and self.oldest_newest_s >= FRESH_S:
            wrong.append(f"the newest event was {self.oldest_newest_s:.1f} s old during the catch-up")
        if plan.is_live and self.refolds_most > plan.most_folds(self.catch_up_s):
            wrong.append(f"a key was folded again {self.refolds_most} times, {plan.most_folds(self.catch_up_s)} may be")
        return wrong

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


class Drill:
    """`run` once, on a stack whose event topics and database are empty."""

    def __init__(self, plan: Plan, settings: Settings, stack: Stack, folder: Path) -> None:
        self._plan = plan
        self._settings = settings
        self._stack = stack
        self._folder = folder
        (folder / "inbox").mkdir(parents=True)
        config = folder / "gateway.toml"
        config.write_text(_CONFIG.format(folder=folder, catch_up=2 * plan.per_s), encoding="utf-8")
        self._folds = Folds(settings.owner_dsn())
        self._gateway = Program(os.environ, folder / "gateway.log", "gateway", str(config))
        self._worker = Program(os.environ, folder / "worker.log", "worker")

    def run(self) -> Result:
        """Raises CheckFailedError when something does not happen in time."""
        with self._folds.counting(), self._programs():
            return self._play(Port(self._plan, self._folder / "inbox" / "port.jsonl"))

    @contextmanager
    def _programs(self) -> Iterator[None]:
        self._worker.start()
        self._gateway.start()
        try:
            self._worker.await_ready()
            self._gateway.await_ready()
            yield
        finally:
            self._gateway.stop()
            self._worker.stop()

    def _play(self, port: Port) -> Result:
        port.start()
        time.sleep(self._plan.warm_up_s)
        self._stack.stop("kafka")
        say(f"the broker is away; {port.written:,} lines are written")
        self._kill_until(port.elapsed_s() + self._plan.outage_s, port)
        waiting = self._waiting() or 0.0
        back = self._folds.now()
        self._mend()
        say(f"the broker is back; {waiting:,.0f} events waited")
        fresh_after_s, catch_up_s, oldest_s = self._watch()
        truth = self._folder / "truth.json"
        truth.write_text(json.dumps(port.stop()), encoding="utf-8")
        wait_until(lambda: self._waiting() == 0, self._plan.limit_s, "the spool is empty")
        say(f"all of {port.written:,} lines is delivered; judging")
        arrivals = read_arrivals(kafka_access(self._settings))
        verified = self._verified(truth)
        again = self._folds.again(back)
        return Result(
            written=port.written,
            port_behind_s=round(port.behind_s, 2),
            waiting_after_outage=waiting,
            fresh_after_s=round(fresh_after_s, 1),
            catch_up_s=round(catch_up_s, 1),
            oldest_newest_s=round(oldest_s, 2),
            records=arrivals.records,
            events=arrivals.events,
            out_of_order=arrivals.out_of_order,
            refolded=again.keys,
            refolds=again.folds,
            refolds_most=again.most,
            folds=again.all_folds,
            folds_counted=int(self._worker.metric("quaystream_refold_keys_total") or 0),
            load=round(os.getloadavg()[1], 1),
            verified=verified,
        )

    def _kill_until(self, end_s: float, port: Port) -> None:
        """So many kills until then, each at another moment of the process's life."""
        dice = Random(self._plan.seed)  # noqa: S311  (no secret)
        for left in range(self._plan.kills, 0, -1):
            time.sleep(max(0.0, (end_s - port.elapsed_s()) / left * dice.uniform(0.5, 1.0)))
            self._gateway.kill()
            self._gateway.start()
        self._gateway.await_ready()
        time.sleep(max(0.0, end_s - port.elapsed_s()))

    def _mend(self) -> None:
        """Start the broker, on a busy machine more than once."""
        for _ in range(_STARTS):
            try:
                self._stack.start("kafka")
            except ServiceUnreachableError as error:
                say(f"{error}; once more")
            else:
                return
        raise CheckFailedError("the broker does not start")

    def _watch(self) -> tuple[float, float, float]:
        """Seconds until the first fresh event, until no backlog was left, and how old the newest was at worst between."""
        began_s, oldest_s, fresh_s, caught_up_s = time.monotonic(), 0.0, None, None
        with psycopg.connect(self._settings.owner_dsn(), autocommit=True) as database:
            while (passed_s := time.monotonic() - began_s) < self._plan.limit_s:
                age_s = _newest_age_s(database) if self._plan.is_live else 0.0
                if fresh_s is None and age_s < FRESH_S:
                    fresh_s = passed_s
                elif fresh_s is not None and caught_up_s is None:
                    oldest_s = max(oldest_s, age_s)
                waiting = self._waiting()
                if caught_up_s is None and fresh_s is not None and waiting is not None and waiting < self._plan.per_s:
                    caught_up_s = passed_s
                if fresh_s is not None and caught_up_s is not None and passed_s > self._plan.after_s:
                    return fresh_s, caught_up_s, oldest_s
                time.sleep(_LOOK_S)
        raise CheckFailedError(f"no catch-up within {self._plan.limit_s:.0f} s: {self._waiting()} events wait")

    def _waiting(self) -> float | None:
        return self._gateway.metric("quaystream_spool_events")

    def _verified(self, truth: Path) -> bool:
        command = [sys.executable, "-m", "streams.cli", "verify", "--truth", str(truth), "--wait", "600s"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        say(done.stdout + done.stderr)
        return done.returncode == 0


def _newest_age_s(database: "psycopg.Connection[Any]") -> float:
    row = database.execute(_NEWEST_AGE).fetchone()
    return 1e9 if row is None or row[0] is None else float(row[0])


def say(text: str) -> None:
    """To people; the result is for programs."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text.strip()}", file=sys.stderr, flush=True)


def as_text(result: Result) -> str:
    """One line of JSON."""
    return json.dumps(result.as_json())
