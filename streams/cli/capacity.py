"""`capacity`: cores, workers, partitions, disk and memory for so many terminals, from measured constants."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import ConfigurationError
from streams.cli.span import span_option

if TYPE_CHECKING:
    from datetime import timedelta

    from streams.cli.sizing.constants import Constants
    from streams.cli.sizing.model import Need

Terminals = Annotated[int | None, typer.Option(min=1, help="How many terminals; by default 1, 22 and 100.")]
EventsPerS = Annotated[
    float | None, typer.Option("--events-per-s", min=0.001, help="Scale all events to this rate in all.")
]
Raw = Annotated[str, typer.Option("--raw-retention", metavar="SPAN", help="How long raw rows are kept, like 90d.")]
Topics = Annotated[str, typer.Option("--topic-retention", metavar="SPAN", help="How long Kafka keeps events, like 7d.")]
Copies = Annotated[int, typer.Option(min=1, help="Copies of each event on the brokers.")]
From = Annotated[
    Path | None, typer.Option("--from", metavar="FILE", help="Take costs from this result of bench or bench-curves.")
]
Write = Annotated[bool, typer.Option("--write", help="With --from: keep them in schemas/capacity.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def register(app: typer.Typer) -> None:
    app.command()(capacity)


def capacity(  # noqa: PLR0913, PLR0917  (one per option)
    terminals: Terminals = None,
    events_per_s: EventsPerS = None,
    raw_retention: Raw = "90d",
    topic_retention: Topics = "7d",
    replication: Copies = 3,
    from_file: From = None,
    write: Write = False,
    as_json: Json = False,
) -> None:
    """Compute what an installation needs; docs/capacity.md has the formulas, schemas/capacity.yaml the constants."""
    from streams.cli.sizing.model import Site, need
    from streams.cli.sizing.page import TERMINALS

    constants = _constants(from_file, write)
    raw_days, topic_days = _days("--raw-retention", raw_retention), _days("--topic-retention", topic_retention)
    # A rate in all says how large it is: then three sizes would be three times the same.
    numbers = TERMINALS if terminals is None and events_per_s is None else (terminals or 1,)
    found = [need(Site(n, events_per_s, raw_days, topic_days, replication), constants) for n in numbers]
    if as_json:
        print(json.dumps([_as_json(each) for each in found], indent=2))
    else:
        _show(found)


def _constants(from_file: Path | None, write: bool) -> "Constants":
    from streams.cli.sizing import constants

    if from_file is None:
        if write:
            raise ConfigurationError("--write needs --from FILE: a result of `bench` or `bench-curves`")
        return constants.load()
    measured = constants.fresh(_read(from_file), from_file.name)
    if write:
        constants.rewrite(measured)
    return constants.refreshed(constants.load(), measured)


def _read(file: Path) -> dict[str, Any]:
    try:
        result: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read {file} ({error}): name a result of `bench` or `bench-curves`") from error
    return result if isinstance(result, dict) else {}


def _days(option: str, text: str) -> float:
    span: timedelta | None = span_option(option, text)
    return span.total_seconds() / 86_400 if span else 0.0


def _as_json(need: "Need") -> dict[str, Any]:
    values = {**asdict(need), "cores": need.cores, "memory_gb": need.memory_gb}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}


def _show(found: list["Need"]) -> None:
    from rich.table import Column, Table

    from streams.cli.paper import print_table
    from streams.cli.sizing.figures import needs

    grid = needs(found)
    first, *others = grid.heading
    table = Table(Column(first), *(Column(name, justify="right") for name in others), box=None, pad_edge=False)
    for row in grid.rows:
        table.add_row(*row)
    print_table(table)
