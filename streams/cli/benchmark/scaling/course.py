"""The whole course: each curve point by point, rounds interleaved where a point costs nothing to set up again."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol

import asyncpg

from connectors.timescale.retention import Kept, retire_expired
from deploy.local.part import Step
from schemas.topics import load_topics
from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.machine import describe
from streams.cli.benchmark.scaling import ground
from streams.cli.benchmark.scaling.beside import Beside, lay_up, run_beside
from streams.cli.benchmark.scaling.document import Run, document
from streams.cli.benchmark.scaling.extent import Extent
from streams.cli.benchmark.scaling.handover import Handover, hand_over
from streams.cli.benchmark.scaling.memory import Memory, stay_behind
from streams.cli.benchmark.scaling.pull import Crew, Pull, hire, pull
from streams.cli.benchmark.workload import CRANES, TOPIC, Workload

AGO = timedelta(hours=1)
_DAY_S = 86_400
KEPT = Kept(timedelta(days=90))
PARTITIONS = load_topics()[TOPIC].partitions
CREW_BATCH_ROWS = 5_000
"""Where workers are compared: what several of them have under way must be little of all that waits."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is not said otherwise; `settings` are the worker's own, beyond the arena's."""

    cranes: int = CRANES
    partitions: int = PARTITIONS
    workers: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)


class Screen(Protocol):
    """Whoever shows a person what goes on."""

    @property
    def step(self) -> Step:
        """Names a piece of work while it runs."""

    def begins(self, what: str, total: int) -> None:
        """Something of `total` steps begins."""

    def reaches(self, events: int) -> None:
        """So far it has come."""

    def tell(self, line: str) -> None:
        """Something is over."""


async def play(arena: Arena, extent: Extent, screen: Screen) -> dict[str, Any]:
    """Run it all in an arena that is up; returns the result file's content."""
    await arena.make_topics()
    async with arena.connection() as watcher:
        course = Course(arena, watcher, extent, screen)
        machine = await describe(watcher)
        runs = [run async for run in course.runs()]
        handover = await course.handover() if extent.rebalance else None
        besides = [beside async for beside in course.besides()]
        memory = await course.memory() if extent.memory else None
    return document(machine, extent, runs, handover, besides, memory)


# By itself a worker drops what has expired as soon as it starts, and there would be nothing left to drop meanwhile.
_RETIRING_NOTHING = Setting(settings={"QUAYSTREAM_RAW_RETENTION": "3650d"})


def _batches(rows: int) -> dict[str, str]:
    return {"QUAYSTREAM_BATCH_ROWS": str(rows)}


def _nothing() -> None:
    """Nothing goes on beside a run."""


class Course:
    """One course in one arena; every run has event ids of its own."""

    def __init__(self, arena: Arena, watcher: asyncpg.Connection, extent: Extent, screen: Screen) -> None:
        self._arena = arena
        self._watcher = watcher
        self._extent = extent
        self._screen = screen
        self._serial = count()

    async def runs(self) -> AsyncIterator[Run]:
        """Every run; a warm-up before all of them is dropped."""
        extent = self._extent
        await self._run_on_nothing(Run("warm-up", 0, 0), Setting())
        for run in self._turns("assets", extent.assets):
            yield await self._run_on_nothing(run, Setting(cranes=run.at))
        for run in self._turns("partitions", extent.partitions):
            yield await self._run_on_nothing(run, Setting(partitions=run.at))
        for run in self._turns("workers", extent.workers):
            yield await self._run_on_nothing(run, Setting(workers=run.at, settings=_batches(CREW_BATCH_ROWS)))
        for run in self._turns("chunks", extent.chunks):
            yield await self._run_while_dropping(run)
        async for run in self._runs_on_rows():
            yield run

    async def handover(self) -> Handover:
        """A worker joins and leaves."""
        await self._arena.clear()
        async with self._crew(Setting()) as crew:
            found = await hand_over(crew, self._workload(CRANES), self._extent.rebalance)
        self._screen.tell(f"rebalance  joined: {found.join_s:.2f} s without a commit, left: {found.leave_s:.2f} s")
        return found

    async def memory(self) -> Memory:
        """A worker is kept behind."""
        extent = self._extent
        await self._arena.clear()
        self._screen.begins(f"send {extent.behind:,} events, stay behind for {extent.memory:,} s", extent.behind)
        workload = Workload(f"memory-{next(self._serial)}", round((time.time() - _DAY_S) * 1e6))
        async with self._crew(Setting()) as crew:
            found = await stay_behind(crew, workload, extent.behind, extent.memory, self._screen.reaches)
        self._screen.tell(f"memory     peak {found.peak_mb:.0f} MB, {found.growth_mb_per_h:+.1f} MB/h")
        return found

    async def besides(self) -> AsyncIterator[Beside]:
        """Live events with and without history beside them, in turn."""
        for number in range(1, self._extent.rounds + 1):
            for limit in self._extent.backfill:
                yield await self._beside(limit, number)

    async def _beside(self, limit: int, number: int) -> Beside:
        serial = next(self._serial)
        setting = Setting(settings={"QUAYSTREAM_BACKFILL_RATE": str(limit)})
        await self._arena.clear()
        await ground.fresh_topic(self._arena, setting.partitions)
        self._screen.begins(f"back-fill at {limit:,}/s, round {number}", 0)
        laid_up = await lay_up(self._arena.access, self._extent.backfill, f"history-{serial}", self._screen.reaches)
        crew = await hire(self._arena, self._watcher, setting.workers, setting.partitions, setting.settings)
        try:
            found = await run_beside(crew, f"live-{serial}", limit, number, laid_up)
        finally:
            await crew.program.stop()
        self._screen.tell(
            f"back-fill  {limit:>6,}/s  round {number}  live p50 {found.waits.p50_ms:.0f} ms, p99 {found.waits.p99_ms:.0f} ms"
            f" (acknowledged p99 {found.waits.acked_p99_ms:.0f} ms, then stored p99 {found.stored_p99_ms:.0f} ms)"
            f"  history {found.history_per_s:,.0f}/s  {'ok' if found.is_complete else 'NOT COMPLETE'}"
        )
        return found

    def _turns(self, curve: str, points: Iterable[int]) -> Iterable[Run]:
        """Interleaved: what disturbs the machine for a while disturbs all points."""
        return [Run(curve, at, number) for number in range(1, self._extent.rounds + 1) for at in points]

    async def _run_on_nothing(self, run: Run, setting: Setting) -> Run:
        await self._arena.clear()
        return await self._pull(run, setting)

    async def _run_while_dropping(self, run: Run) -> Run:
        await self._arena.clear()
        now = datetime.now(UTC)
        await ground.store_expired(self._arena, run.at, self._extent.chunk_rows, now, KEPT.raw)
        dropping: list[asyncio.Task[int]] = []
        try:
            done = await self._pull(
                run, _RETIRING_NOTHING, lambda: dropping.append(asyncio.create_task(self._drop(now)))
            )
            in_time = all(task.done() for task in dropping)
            return replace(done, dropped=sum(await asyncio.gather(*dropping)), is_dropped_in_time=in_time)
        finally:
            for task in dropping:
                task.cancel()

    async def _runs_on_rows(self) -> AsyncIterator[Run]:
        """Rows are only ever added, so one point after the other."""
        stored = 0
        for at in self._extent.rows:
            if not stored:
                await self._arena.clear()
            self._screen.begins(f"store {at:,} rows beforehand", at - stored)
            first = datetime.now(UTC) - AGO - AGO
            await ground.store_before(self._arena, at - stored, first, self._screen.reaches)
            stored = at
            for number in range(1, self._extent.rounds + 1):
                await ground.forget_progress(self._arena)
                yield await self._pull(Run("rows", at, number), Setting())

    async def _pull(self, run: Run, setting: Setting, begun: Callable[[], None] = _nothing) -> Run:
        self._screen.begins(f"{run.curve} {run.at:,}, round {run.number}", 0)
        async with self._crew(setting) as crew:
            found = await pull(crew, self._workload(setting.cranes), self._extent.events, begun)
        self._screen.tell(_line(run, found))
        return replace(run, found=found)

    @asynccontextmanager
    async def _crew(self, setting: Setting) -> AsyncIterator[Crew]:
        await ground.fresh_topic(self._arena, setting.partitions)
        crew = await hire(self._arena, self._watcher, setting.workers, setting.partitions, setting.settings)
        try:
            yield crew
        finally:
            await crew.program.stop()

    async def _drop(self, now: datetime) -> int:
        """The worker's own retention, now and not on its timer; returns the rows it removed."""
        async with self._arena.connection() as connection:
            return sum(removal.rows for removal in await retire_expired(connection, KEPT, now))

    def _workload(self, cranes: int) -> Workload:
        start = datetime.now(UTC).replace(second=0, microsecond=0) - AGO
        return Workload(f"curve-{next(self._serial)}", round(start.timestamp() * 1e6), cranes)


def _line(run: Run, found: Pull) -> str:
    cpu = " ".join(f"{part} {micros:.1f}" for part, micros in found.cpu_us_per_event.items())
    judged = "rows ok" if not found.faults else "; ".join(found.faults)
    return (
        f"{run.curve:10} {run.at:>10,}  round {run.number}  {found.events_per_s:9,.0f} events/s  µs/event: {cpu}  "
        f"longest pause {found.pause_ms:.0f} ms  {judged}"
    )
