"""What a person sees while it runs: a bar that moves where there is a terminal, a line per run everywhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from deploy.local.part import Step
from streams.cli.benchmark.drain import Drain
from streams.cli.benchmark.latency import Latency
from streams.cli.benchmark.tables import Grid, ms

WIDE = 160
_TURNS_A_SECOND = 4


class TerminalScreen:
    """The bar of the run at hand under the lines of those that are over."""

    def __init__(self) -> None:
        terminal = Console(highlight=False)
        self.console = terminal if terminal.is_terminal else Console(highlight=False, width=WIDE)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        # Redrawn seldom: it shares the cores with what is measured.
        self._progress = Progress(
            *columns,
            console=self.console,
            transient=True,
            refresh_per_second=_TURNS_A_SECOND,
            disable=not self.console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @property
    def step(self) -> Step:
        """A line with seconds for each piece of work that is not a run."""
        return self._step

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        self.begins(name, 0)
        yield
        self.console.print(f"[green]✓[/green] {name} [dim]{time.monotonic() - started:.1f} s[/dim]")

    def says(self, line: str) -> None:
        """A line that stays."""
        self.console.print(line)

    def begins(self, what: str, total: int) -> None:
        """Another run: its bar starts anew."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total or None)

    def reaches(self, events: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=events)

    def drained(self, run: Drain) -> None:
        """One line."""
        which = "warm-up" if run.number == 0 else f"round {run.number}"
        cpu = " ".join(f"{part} {micros:.1f}" for part, micros in run.cpu_us_per_event.items())
        judged = "rows ok" if not run.faults else f"[red]{'; '.join(run.faults)}[/red]"
        self.console.print(
            f"{which:8} {run.contestant:15} {run.events_per_s:9,.0f} events/s  µs/event: {cpu}  {judged}"
        )

    def answered(self, latency: Latency) -> None:
        """One line."""
        waits, judged = latency.waits, "rows ok" if latency.rows_ok else "[red]rows wrong[/red]"
        self.console.print(
            f"latency  {latency.contestant:15} {latency.rate:9,} events/s  p50 {ms(waits.p50_ms)} ms  "
            f"p99 {ms(waits.p99_ms)} ms  p99.9 {ms(waits.p999_ms)} ms  {judged}"
        )

    def show(self, grid: Grid) -> None:
        """A table; an empty one is left out."""
        if grid.rows:
            first, *others = grid.heading
            columns = (Column(first), *(Column(name, justify="right") for name in others))
            table = Table(*columns, box=None, pad_edge=False)
            for row in grid.rows:
                table.add_row(*row)
            self.console.print()
            self.console.print(table)
