"""`chaos`: faults on a cluster of its own, drawn from a seed, and a judgement that nothing was lost or counted twice."""

import json
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.errors import CheckFailedError, ConfigurationError, QuaystreamError

if TYPE_CHECKING:
    from streams.cli.storm.ground import Ground
    from streams.cli.storm.result import Result
    from streams.cli.storm.schedule import Cast, Schedule
    from streams.cli.storm.screen import Screen

FOLDER: Final = "chaos"
_ALONE_S: Final = 35.0

Seed = Annotated[int | None, typer.Option(min=1, help="Of the first schedule; drawn, and told, without it.")]
Seeds = Annotated[int, typer.Option(min=1, help="How many, one after the other, on one cluster.")]
Minutes = Annotated[float, typer.Option(min=0.25, help="How long each seed's faults go on.")]
Rate = Annotated[float, typer.Option(min=10, help="Events a second that the simulated port writes.")]
Workers = Annotated[int, typer.Option(min=2, max=4, help="Workers.")]
Only = Annotated[str, typer.Option(metavar="LIST", help="Only these faults, with commas.")]
Alone = Annotated[bool, typer.Option("--one-by-one", help="Every fault once, alone: how long recovery takes.")]
ScheduleFile = Annotated[Path | None, typer.Option("--schedule", metavar="FILE", help="Play this one again.")]
Show = Annotated[bool, typer.Option("--show", help="Only print the schedule; run nothing.")]
Log = Annotated[Path | None, typer.Option(metavar="FILE", help="Append a line per seed: docs/chaos-log.md.")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Append each result as a line.")]


def register(app: typer.Typer) -> None:
    app.command()(chaos)


@dataclass(frozen=True, slots=True)
class _Asked:
    cast: "Cast"
    minutes: float
    rate: float
    only: tuple[str, ...]
    alone: bool


def chaos(  # noqa: PLR0913, PLR0917  (one per option)
    seed: Seed = None,
    seeds: Seeds = 1,
    minutes: Minutes = 2.0,
    rate: Rate = 300.0,
    workers: Workers = 3,
    only: Only = "",
    one_by_one: Alone = False,
    schedule: ScheduleFile = None,
    show: Show = False,
    log: Log = None,
    json_file: JsonFile = None,
) -> None:
    """Break a cluster at random while a simulated port writes, then judge that every event is stored once.

    Three brokers, a database with a synchronous standby, workers and two gateways, all behind a proxy that breaks links.
    Equal seeds break the same things at the same times. Lives in its own folder under QUAYSTREAM_HOME and removes it at the
    end; where a seed does not hold, its logs and its schedule stay there.
    """
    from streams.cli.storm.schedule import Cast, read_schedule
    from streams.cli.storm.screen import Screen, schedule_table

    asked = _Asked(Cast(workers=workers), minutes, rate, _words(only), one_by_one)
    first = seed if seed is not None else secrets.randbelow(1_000_000) + 1
    given = [read_schedule(schedule)] if schedule else [_drawn(first + n, asked) for n in range(seeds)]
    with Screen() as screen:
        if show:
            for each in given:
                screen.console.print(schedule_table(each))
            return
        results = list(_run(given, asked, screen, _Paper(log, json_file)))
        _summary(results, screen)
    if broken := [result for result in results if result.problems()]:
        names = ", ".join(str(result.seed) for result in broken)
        raise CheckFailedError(f"{len(broken)} of {len(results)} seeds did not hold: {names}")


@dataclass(frozen=True, slots=True)
class _Paper:
    log: Path | None
    json_file: Path | None

    def write(self, result: "Result") -> None:
        from streams.cli.storm.diary import append

        text = json.dumps(result.as_json())
        print(text, flush=True)
        if self.json_file:
            with self.json_file.open("a", encoding="utf-8") as lines:
                lines.write(text + "\n")
        if self.log:
            append(self.log, result)


def _drawn(seed: int, asked: _Asked) -> "Schedule":
    from streams.cli.storm.breaks import clock_library
    from streams.cli.storm.schedule import BY_NAME, draw, one_by_one

    if unknown := sorted(set(asked.only) - BY_NAME.keys()):
        raise ConfigurationError(f"--only {', '.join(unknown)}: no such fault; there are {', '.join(BY_NAME)}")
    without = () if clock_library() else ("worker-clock",)
    if asked.alone:
        only = tuple(name for name in asked.only or BY_NAME if name not in without)
        return one_by_one(seed, asked.cast, _ALONE_S, only)
    return draw(seed, asked.minutes * 60, asked.cast, asked.only, without)


def _run(schedules: list["Schedule"], asked: _Asked, screen: "Screen", paper: _Paper) -> Iterator["Result"]:
    """A seed that the harness cannot play is told, and counts as one that did not hold; the next is played all the same."""
    with _ground(asked, schedules[0].seed, screen) as ground:
        for schedule in schedules:
            screen.begins(schedule)
            result = _played(ground, schedule, asked, screen)
            screen.judged(result)
            paper.write(result)
            if result.problems():
                _keep(ground, schedule, screen)
            yield result


def _played(ground: "Ground", schedule: "Schedule", asked: _Asked, screen: "Screen") -> "Result":
    from streams.cli.storm.diary import commit_of
    from streams.cli.storm.result import void
    from streams.cli.storm.round import Voice, play_round

    commit = commit_of(Path(__file__).parent)
    try:
        return play_round(ground, schedule, asked.rate, commit, Voice(screen.says, screen.shows))
    except QuaystreamError as error:
        return void(schedule, asked.rate, commit, str(error))


@contextmanager
def _ground(asked: _Asked, seed: int, screen: "Screen") -> Iterator["Ground"]:
    from streams.cli.storm.ground import Ground
    from streams.settings import load_settings

    ground = Ground(load_settings().home / FOLDER, asked.cast, asked.rate, seed)
    # Ended from outside, nothing must stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        ground.up(screen.step)
        yield ground
    finally:
        ground.end()
        ground.cluster.remove()


def _keep(ground: "Ground", schedule: "Schedule", screen: "Screen") -> None:
    """Logs, truth and schedule of a seed that did not hold."""
    kept = ground.home.path / f"seed-{schedule.seed}"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    if ground.folder.exists():
        shutil.copytree(ground.folder, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.jsonl", "spool.db*"))
    shutil.copytree(ground.home.path / "logs", kept / "servers", dirs_exist_ok=True)
    (kept / "schedule.json").write_text(json.dumps(schedule.as_json(), indent=2) + "\n", encoding="utf-8")
    screen.says(f"  its logs are in {kept}; again: quaystream chaos --schedule {kept / 'schedule.json'}")


def _summary(results: list["Result"], screen: "Screen") -> None:
    from streams.cli.storm.diary import recovery_rows

    recoveries = [recovery for result in results for recovery in result.recoveries]
    if rows := recovery_rows(recoveries):
        screen.table(("fault, alone", "times", "outage, s", "recovery, s", "most, s", "in time"), rows)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
