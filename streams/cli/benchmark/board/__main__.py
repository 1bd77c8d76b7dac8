"""The command: `python -m streams.cli.benchmark.board`, on a local stack that is up, migrated and has its topics."""

import asyncio
import json
import secrets
import sys
from typing import Annotated

import typer

from schemas.errors import CheckFailedError, QuaystreamError

Rate = Annotated[int, typer.Option(min=1, help="Events a second.")]
Seconds = Annotated[float, typer.Option(min=5, help="How long is measured.")]
Sites = Annotated[int, typer.Option(min=1, help="Sites that speak, 22 at most.")]
Viewers = Annotated[int, typer.Option(min=1, help="Screens that watch.")]
Json = Annotated[bool, typer.Option("--json", help="One line of JSON instead of a table.")]


def main(
    rate: Rate = 10_000, seconds: Seconds = 60.0, sites: Sites = 22, viewers: Viewers = 3, as_json: Json = False
) -> None:
    """A worker, the board and its viewers, while many sites speak: what the board costs, and how late what it shows is.

    It declares the sites in the stack's database and stores what they say: use a stack without data you want.
    """
    from streams.cli.benchmark.board.trial import Course, measure
    from streams.settings import load_settings

    course = Course(rate=rate, seconds=seconds, sites=sites, viewers=viewers, boot=f"board-{secrets.token_hex(4)}")
    trial = asyncio.run(measure(load_settings(), course))
    print(json.dumps(trial.as_json()) if as_json else trial.as_text())
    if trial.signs_lost:
        raise CheckFailedError(f"{trial.signs_lost} signs were never shown")


if __name__ == "__main__":
    try:
        typer.run(main)
    except QuaystreamError as error:
        print(f"quaystream: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
