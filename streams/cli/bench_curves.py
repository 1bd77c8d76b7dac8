"""`bench-curves`: how the worker's cost grows with assets, partitions, stored rows and workers, on a stack of its own."""

import asyncio
import json
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import CheckFailedError, ConfigurationError

if TYPE_CHECKING:
    from streams.cli.benchmark.scaling.extent import Extent
    from streams.cli.benchmark.scaling.screen import CourseScreen

FOLDER = "curves"
Only = Annotated[
    str,
    typer.Option(
        metavar="LIST",
        help="Only these, with commas: assets, partitions, rows, chunks, workers, rebalance, backfill, memory.",
    ),
]
Events = Annotated[int, typer.Option(min=20_000, help="Events a run.")]
Rounds = Annotated[int, typer.Option(min=1, help="Runs of each point.")]
Rows = Annotated[str, typer.Option(metavar="LIST", help="Rows stored beforehand, with commas, for example 0,50000000.")]
Quick = Annotated[bool, typer.Option("--quick", help="Short curves of small runs: whether it works, not how it grows.")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the result.")]
Report = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page, with its picture beside it.")]
From = Annotated[Path | None, typer.Option("--from", metavar="FILE", help="Run nothing: show or report this result.")]


def register(app: typer.Typer) -> None:
    app.command()(bench_curves)


def bench_curves(  # noqa: PLR0913, PLR0917  (one per option)
    only: Only = "",
    events: Events = 300_000,
    rounds: Rounds = 2,
    rows: Rows = "0,5000000,20000000",
    quick: Quick = False,
    json_file: JsonFile = None,
    report: Report = None,
    from_file: From = None,
) -> None:
    """Measure how an event's cost changes along each curve, and what live events wait at a handover or beside history.

    Brings up a Kafka and a TimescaleDB of its own under QUAYSTREAM_HOME and removes them at the end.
    """
    from streams.cli.benchmark.scaling.document import wrong
    from streams.cli.benchmark.scaling.screen import CourseScreen

    with CourseScreen() as screen:
        extent = _extent(only, events, rounds, rows, quick)
        result = _read(from_file) if from_file else _run(extent, screen)
        if json_file:
            json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        _show(result, screen)
    if report:
        from streams.cli.benchmark.scaling.page import write

        write(result, report)
    for fault in wrong(result):
        raise CheckFailedError(f"not every row is right: {fault}")


def _extent(only: str, events: int, rounds: int, rows: str, quick: bool) -> "Extent":
    from streams.cli.benchmark.scaling.extent import QUICK, Extent, points

    whole = QUICK if quick else replace(Extent(), events=events, rounds=rounds, rows=points("--rows", rows, least=0))
    names = [name.strip() for name in only.split(",") if name.strip()]
    return whole.only(names) if names else whole


def _run(extent: "Extent", screen: "CourseScreen") -> dict[str, Any]:
    from streams.cli.benchmark.arena import Arena
    from streams.cli.benchmark.scaling.course import play
    from streams.settings import load_settings

    arena = Arena(load_settings().home / FOLDER)
    # Ended from outside, the servers must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        arena.up(screen.step)
        return asyncio.run(play(arena, extent, screen))
    finally:
        arena.end()


def _show(result: Mapping[str, Any], screen: "CourseScreen") -> None:
    from streams.cli.benchmark.scaling import figures

    for name, curve in result["curves"].items():
        screen.show(figures.points(name, curve))
    if result["rebalance"]:
        screen.show(figures.rebalance(result["rebalance"]))
    if result["memory"]:
        screen.show(figures.memory(result["memory"]))
    if result.get("backfill"):
        screen.show(figures.backfill(result["backfill"]))


def _read(file: Path) -> dict[str, Any]:
    try:
        result: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"cannot read {file} ({error}): name a file that `bench-curves --json` wrote"
        ) from error
    if not isinstance(result, dict) or not {"machine", "extent", "curves", "rebalance", "memory"} <= result.keys():
        raise ConfigurationError(f"{file} is no result of `bench-curves --json`")
    return result
