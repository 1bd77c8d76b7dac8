"""The command of the soak. Pauses the servers of a local stack and fills it: use one without data you want."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from schemas.errors import CheckFailedError, QuaystreamError
from streams.cli.benchmark.soak.judge import failures, judge
from streams.cli.paper import print_table

Minutes = Annotated[float, typer.Option("--minutes", min=0.2, help="How long; memory is judged from forty on.")]
Rate = Annotated[float, typer.Option("--rate", min=10, help="Events a second, of both ports together.")]
Seed = Annotated[int, typer.Option(help="Of the simulated ports and of the faults.")]
Picture = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw memory and freshness here (.svg, .png).")]
Into = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the samples and the verdict here.")]
Home = Annotated[
    Path | None, typer.Option("--stack", metavar="HOME", help="The stack, where it is not QUAYSTREAM_HOME.")
]


def main(
    minutes: Minutes = 60.0,
    rate: Rate = 400.0,
    seed: Seed = 7,
    picture: Picture = None,
    into: Into = None,
    home: Home = None,
) -> None:
    """An hour of mixed load with small faults: nothing may grow, nothing may be lost.

    Two simulated ports through two gateways, two workers. One of each is left alone, the other is ended, killed and started
    again; the broker and the database stand still for seconds. Exit 1 where something grew or the ledger differs.
    """
    from deploy.local.stack import Stack
    from streams.cli.benchmark.soak.picture import draw
    from streams.cli.benchmark.soak.run import Asked, Soak
    from streams.settings import load_settings

    settings = load_settings()
    with tempfile.TemporaryDirectory(prefix="quaystream-soak-") as folder:
        soaked = Soak(Asked(minutes, rate, seed), settings, Stack(home or settings.home), Path(folder)).run()
    lines = judge(soaked.samples)
    table = Table("process", "figure", "first third", "last third", "an hour", "", box=None, pad_edge=False)
    for line in lines:
        said = {True: "ok", False: "GREW", None: "not judged"}[line.ok]
        numbers = (f"{value:,.4g}" for value in (line.first, line.last, line.per_hour))
        table.add_row(line.process, line.figure, *numbers, said)
    print_table(table)
    if into is not None:
        answer = {"seed": seed, "minutes": minutes, "written": soaked.written, "verified": soaked.verified}
        into.write_text(json.dumps({**answer, "lines": [line.as_json() for line in lines]}, indent=1), encoding="utf-8")
    if picture is not None:
        draw(soaked.samples, soaked.faults, picture)
    wrong = [*failures(lines), *([] if soaked.verified else ["verify --truth found differences"])]
    if wrong:
        raise CheckFailedError("; ".join(wrong))
    print(f"{soaked.written:,} events in {minutes:g} minutes with {len(soaked.faults)} faults: none lost, none twice.")


if __name__ == "__main__":
    try:
        typer.run(main)
    except QuaystreamError as error:
        print(f"quaystream: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
