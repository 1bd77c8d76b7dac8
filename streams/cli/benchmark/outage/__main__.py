"""The command of the drill. Stops and starts the broker of a local stack: use one without data you want."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import CheckFailedError, QuaystreamError
from streams.cli.benchmark.outage.plan import Plan

Outage = Annotated[float, typer.Option("--outage", min=5, help="Seconds without a broker; 240 is four hours at 1:60.")]
Kills = Annotated[int, typer.Option(min=0, help="kill -9 of the gateway during the outage.")]
Rate = Annotated[float, typer.Option(min=10, help="Events a second into the gateway.")]
After = Annotated[float, typer.Option(min=5, help="Seconds that the port goes on at least when the broker is back.")]
Hours = Annotated[float, typer.Option(min=0, help="Hours of event time in the data, published fast; 0: as it happens.")]
Seed = Annotated[int, typer.Option(help="Of the simulated port and of the moments of the kills.")]
Home = Annotated[
    Path | None, typer.Option("--stack", metavar="HOME", help="The stack, where it is not QUAYSTREAM_HOME.")
]


def main(  # noqa: PLR0913, PLR0917  (one per option)
    outage: Outage = 240.0,
    kills: Kills = 20,
    rate: Rate = 2_000.0,
    after: After = 60.0,
    hours: Hours = 0.0,
    seed: Seed = 7,
    home: Home = None,
) -> None:
    """The broker is away, the gateway is killed again and again, a simulated port goes on: then everything is judged.

    Says what it does on the standard error, and the result as one line of JSON on the standard output.
    """
    from deploy.local.stack import Stack
    from streams.cli.benchmark.outage.drill import Drill, as_text
    from streams.settings import load_settings

    if home is not None:
        os.environ["QUAYSTREAM_HOME"] = str(home)
    settings = load_settings()
    plan = Plan(outage, kills, rate, after, hours, seed)
    with tempfile.TemporaryDirectory(prefix="quaystream-outage-") as folder:
        result = Drill(plan, settings, Stack(settings.home), Path(folder)).run()
    print(as_text(result))
    if problems := result.problems(plan):
        raise CheckFailedError("; ".join(problems))


if __name__ == "__main__":
    try:
        typer.run(main)
    except QuaystreamError as error:
        print(f"quaystream: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
