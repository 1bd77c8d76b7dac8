"""One trial: worker, board, viewers and load as processes of their own, and what /proc and the viewers tell of them."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import asyncpg
import numpy as np
import psutil

from connectors.timescale.connection import connection_to
from deploy.local.home import Home
from deploy.local.ports import is_free
from deploy.local.trial_sites import declare
from schemas.errors import ConfigurationError
from streams.cli.benchmark.board.viewers import Audience, Seen, Signs, follow
from streams.cli.benchmark.program import Program, launch, run_command
from streams.settings import Settings

WARM_UP_S: Final = 20.0  # until the board has asked for everything once, and the worker has its partitions
MARGIN_S: Final = 5.0
_EYE: Final = "SELECT pid FROM pg_stat_activity WHERE application_name = 'quaystream board'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is tried: `rate` events a second of `sites` sites for `seconds`, `viewers` screens."""

    rate: int
    seconds: float
    sites: int
    viewers: int
    boot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it. `stored_per_s` is what the board itself was told; CPU is a share of one core, lateness is seconds."""

    course: Course
    stored_per_s: float
    board_cpu: float
    database_cpu: float
    board_mb: float
    stream_bytes_per_s: float
    signs: int
    signs_lost: int
    late_p50_s: float
    late_p95_s: float
    late_max_s: float
    load_average: float
    cores: int

    def as_json(self) -> dict[str, Any]:
        """Everything, the course's name in it."""
        return asdict(self)

    def as_text(self) -> str:
        """A table in Markdown, one figure a line."""
        lines = (
            ("sites, viewers", f"{self.course.sites}, {self.course.viewers}"),
            ("asked for", f"{self.course.rate:,} events/s for {self.course.seconds:.0f} s"),
            ("stored", f"{self.stored_per_s:,.0f} events/s"),
            ("the board, of one core", f"{100 * self.board_cpu:.1f} %"),
            ("its database session", f"{100 * self.database_cpu:.1f} %"),
            ("its memory", f"{self.board_mb:.0f} MB"),
            ("its stream, a viewer", f"{self.stream_bytes_per_s / 1e3:,.0f} kB/s"),
            ("from the broker to the stream: median", f"{self.late_p50_s:.2f} s"),
            ("… 95 of 100", f"{self.late_p95_s:.2f} s"),
            ("… the latest", f"{self.late_max_s:.2f} s of {self.signs} signs, {self.signs_lost} never shown"),
            ("load of the machine", f"{self.load_average:.1f} on {self.cores} cores"),
        )
        return "\n".join(("| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in lines)))


async def measure(settings: Settings, course: Course) -> Trial:
    """Run it and measure after a warm-up. Raises ConfigurationError, ServiceUnreachableError or CheckFailedError."""
    declare(settings.owner_dsn(), course.sites)
    port = next(port for port in range(6_160, 6_260) if is_free(port))
    async with AsyncExitStack() as stack:
        board = await stack.enter_async_context(_running(settings, course, port))
        signs = Signs(course.boot)
        audience = await stack.enter_async_context(
            Audience(f"http://127.0.0.1:{port}/api/v1/stream", signs, course.viewers)
        )
        reader = await stack.enter_async_context(connection_to(settings.reader_dsn()))
        # Once, so that the board knows the cranes that give signs.
        await follow(settings.brokers, signs, WARM_UP_S)
        signs.lost, audience.seen.late_s, audience.seen.outcomes = 0, [], []
        meter = await _meter(reader, board, audience.seen)
        await follow(settings.brokers, signs, course.seconds)
        return _trial(course, meter.read(), audience.seen, signs)


@asynccontextmanager
async def _running(settings: Settings, course: Course, port: int) -> AsyncIterator[Program]:
    """A worker, the load and the board; the board is what is handed out."""
    home = Home(settings.home)
    environment = dict(os.environ)
    seconds = WARM_UP_S + course.seconds + MARGIN_S
    task = {"brokers": settings.brokers, "rate": course.rate, "sites": course.sites, "boot": course.boot}
    async with AsyncExitStack() as stack:
        worker = await run_command("worker", ["worker"], home.log("board-worker"), environment)
        stack.push_async_callback(worker.stop)
        board = await run_command("board", ["board", "--port", str(port)], home.log("board"), environment)
        stack.push_async_callback(board.stop)
        await board.once(_first_line(board))
        load = await launch(
            "load", "streams.cli.benchmark.board.load", {**task, "seconds": seconds}, home.log("board-load")
        )
        stack.push_async_callback(load.stop)
        yield board
        for program in (worker, board):
            program.refuse_ended()


async def _first_line(board: Program) -> None:
    async for _ in board.lines():
        return
    raise board.ended()


@dataclass(frozen=True, slots=True)
class _Spent:
    """CPU seconds and bytes since the beginning of the measurement, and how long it took."""

    seconds: float
    board_s: float
    database_s: float
    size: int
    board_mb: float


class _Meter:
    """Reads two processes and the stream, from where they stood when it was made."""

    def __init__(self, board: psutil.Process, session: psutil.Process, seen: Seen) -> None:
        self._processes = board, session
        self._seen = seen
        self._at, self._size = time.monotonic(), seen.size
        self._cpu_s = [_cpu_s(process) for process in self._processes]

    def read(self) -> _Spent:
        board_s, database_s = (
            _cpu_s(process) - before for process, before in zip(self._processes, self._cpu_s, strict=True)
        )
        return _Spent(
            time.monotonic() - self._at,
            board_s,
            database_s,
            self._seen.size - self._size,
            self._processes[0].memory_info().rss / 1e6,
        )


async def _meter(reader: asyncpg.Connection, board: Program, seen: Seen) -> _Meter:
    pids = await reader.fetch(_EYE)
    if len(pids) != 1:
        raise ConfigurationError(f"{len(pids)} boards look at this database: end the others")
    return _Meter(psutil.Process(board.pid), psutil.Process(pids[0]["pid"]), seen)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _trial(course: Course, spent: _Spent, seen: Seen, signs: Signs) -> Trial:
    late = np.array(seen.late_s or [float("nan")])
    p50, p95, most = np.percentile(late, (50, 95, 100), method="inverted_cdf").tolist()
    (first_at, first), (last_at, last) = seen.outcomes[0], seen.outcomes[-1]
    return Trial(
        course=course,
        stored_per_s=(last - first) / (last_at - first_at),
        board_cpu=spent.board_s / spent.seconds,
        database_cpu=spent.database_s / spent.seconds,
        board_mb=spent.board_mb,
        stream_bytes_per_s=spent.size / spent.seconds,
        signs=len(seen.late_s),
        signs_lost=signs.lost + signs.waiting,
        late_p50_s=p50,
        late_p95_s=p95,
        late_max_s=most,
        load_average=os.getloadavg()[0],
        cores=os.cpu_count() or 0,
    )
