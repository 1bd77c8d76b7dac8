"""`bench`: the worker beside what else people use and beside bare COPY, in one run on a stack of its own."""

import asyncio
import json
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from schemas.errors import CheckFailedError, ConfigurationError

if TYPE_CHECKING:
    from streams.cli.benchmark.plan import Plan
    from streams.cli.benchmark.screen import TerminalScreen

FOLDER = "bench"
Rounds = Annotated[int, typer.Option(min=1, help="Counted rounds; one more before them warms up.")]
Events = Annotated[int, typer.Option(min=1_000, help="Events a round; slow contestants get a tenth.")]
Rates = Annotated[str, typer.Option(metavar="LIST", help="Open-loop rates in events/s, with commas; empty for none.")]
Seconds = Annotated[float, typer.Option(min=1, help="How long each rate is kept up.")]
Workloads = Annotated[str, typer.Option(metavar="LIST", help="Only these workloads, with commas; all without it.")]
Only = Annotated[str, typer.Option(metavar="LIST", help="Only these contestants, with commas.")]
Quick = Annotated[bool, typer.Option("--quick", help="One small round and one rate: whether it works, not how fast.")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the result.")]
Report = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report, with its picture beside it.")]
Compare = Annotated[Path | None, typer.Option(metavar="FILE", help="Set an earlier result beside this one.")]
From = Annotated[Path | None, typer.Option("--from", metavar="FILE", help="Run nothing: show or report this result.")]


def register(app: typer.Typer) -> None:
    app.command()(bench)


def bench(  # noqa: PLR0913, PLR0917  (one per option)
    rounds: Rounds = 3,
    events: Events = 300_000,
    rates: Rates = "1000,5000,10000,20000",
    seconds: Seconds = 15.0,
    workloads: Workloads = "",
    only: Only = "",
    quick: Quick = False,
    json_file: JsonFile = None,
    report: Report = None,
    compare: Compare = None,
    from_file: From = None,
) -> None:
    """Measure throughput, CPU, memory and latency of the worker, its peers and bare COPY, side by side.

    Workloads: crane, mixed, duplicates, partitions, hot. Peers that are not installed are skipped: `make peers`.

    Brings up a Kafka and a TimescaleDB of its own under QUAYSTREAM_HOME and removes them at the end.
    """
    from streams.cli.benchmark.match import wrong
    from streams.cli.benchmark.screen import TerminalScreen

    earlier = _read(compare) if compare else None
    with TerminalScreen() as screen:
        plan = _plan(rounds, events, _Pace(rates, seconds), workloads, only)
        plan = _quick(plan, workloads) if quick else plan
        result = _read(from_file) if from_file else _run(plan, screen)
        if json_file:
            json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        _show(result, earlier, screen)
    if report:
        from streams.cli.benchmark.report import write

        write(result, report)
    for fault in wrong(result):
        raise CheckFailedError(f"not every row is right: {fault}")


class _Pace(NamedTuple):
    rates: str
    seconds: float


def _plan(rounds: int, events: int, pace: _Pace, workloads: str, only: str) -> "Plan":
    from streams.cli.benchmark.courses import COURSES, chosen_courses
    from streams.cli.benchmark.plan import Plan, chosen

    contestants = chosen(_words(only)) if _words(only) else Plan().contestants
    courses = chosen_courses(_words(workloads)) if _words(workloads) else COURSES
    return Plan(contestants, rounds, events, _rates(pace.rates), pace.seconds, courses)


def _quick(plan: "Plan", workloads: str) -> "Plan":
    """Only crane samples, unless workloads were asked for."""
    from streams.cli.benchmark.courses import CRANE

    courses = plan.courses if workloads else (CRANE,)
    return replace(plan, rounds=1, events=80_000, rates=(1_000,), seconds=5.0, courses=courses)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _rates(text: str) -> tuple[int, ...]:
    words = _words(text)
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise ConfigurationError(f"--rates {text}: write whole numbers of events/s, for example 1000,5000")
    return tuple(int(word) for word in words)


def _run(plan: "Plan", screen: "TerminalScreen") -> dict[str, Any]:
    from streams.cli.benchmark.arena import Arena
    from streams.cli.benchmark.match import play
    from streams.settings import load_settings

    arena = Arena(load_settings().home / FOLDER)
    # Ended from outside, the servers must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        arena.up(screen.step)
        return asyncio.run(play(arena, plan, screen))
    finally:
        arena.end()


def _show(result: Mapping[str, Any], earlier: Mapping[str, Any] | None, screen: "TerminalScreen") -> None:
    from streams.cli.benchmark import tables

    for workload in result["workloads"]:
        screen.says(f"\n[bold]{workload['name']}[/bold]: {workload.get('does', '')}")
        screen.show(tables.throughput(workload))
        screen.show(tables.latency(workload))
        screen.show(tables.ratios(workload if "ratios" in workload else result))
    if earlier:
        screen.show(tables.comparison(earlier, result))


def _read(file: Path) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read {file} ({error}): name a file that `bench --json` wrote") from error
    if not {"machine", "workloads", "ratios", "ratio_ranges"} <= result.keys():
        raise ConfigurationError(f"{file} is no result of `bench --json`")
    return result
