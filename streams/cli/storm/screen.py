"""What a person sees: the schedule as a table, a bar while it runs with how much waits, a line per fault, the judgement."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from streams.cli.storm.result import Result
from streams.cli.storm.schedule import BY_NAME, Schedule

WIDE = 160


class Screen:
    """To the standard error: the results on the standard output are for programs."""

    def __init__(self) -> None:
        terminal = Console(highlight=False, stderr=True)
        self.console = terminal if terminal.is_terminal else Console(highlight=False, stderr=True, width=WIDE)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[waits]}"),
        )
        self._progress = Progress(
            *columns,
            console=self.console,
            transient=True,
            refresh_per_second=2,
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

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A line with seconds for a piece of work."""
        began_s = time.monotonic()
        yield
        self.says(f"[green]✓[/green] {name} [dim]{time.monotonic() - began_s:.1f} s[/dim]")

    def says(self, line: str) -> None:
        """A line that stays."""
        self.console.print(line)

    def begins(self, schedule: Schedule) -> None:
        """Another seed: its schedule, and a bar."""
        self.says(f"\n[bold]seed {schedule.seed}[/bold], {schedule.seconds / 60:.1f} minutes")
        self.console.print(schedule_table(schedule))
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(f"seed {schedule.seed}", total=schedule.seconds, waits="")

    def shows(self, at_s: float, waiting: int | None) -> None:
        """Move the bar."""
        if self._task is not None:
            waits = "database away" if waiting is None else f"{waiting:,} wait"
            self._progress.update(self._task, completed=at_s, waits=waits)

    def judged(self, result: Result) -> None:
        """The verdict on a seed."""
        problems = result.problems()
        drained = "not" if result.drained_s is None else f"in {result.drained_s:.1f} s"
        verdict = "[green]held[/green]" if not problems else "[red]broken[/red]"
        self.says(
            f"{verdict} seed {result.seed}: {result.faults} faults, {result.written:,} written, {result.lost} lost, "
            f"{result.duplicated} stored twice, {result.out_of_order} out of order, drained {drained}"
        )
        for problem in problems:
            self.says(f"  [red]{problem}[/red]")

    def table(self, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of figures."""
        first, *others = heading
        table = Table(Column(first), *(Column(name, justify="right") for name in others), box=None, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        self.console.print(table)


def schedule_table(schedule: Schedule) -> Table:
    """What will happen when."""
    table = Table(
        Column("at, s", justify="right"), "fault", "target", Column("for, s", justify="right"), "what", box=None
    )
    for step in schedule.steps:
        table.add_row(f"{step.at_s:.1f}", step.fault, step.target, f"{step.lasts_s:.1f}", BY_NAME[step.fault].what)
    return table
