"""The command of the drill: empties nothing and needs empty topics and a migrated database without data you want."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import CheckFailedError, QuaystreamError
from streams.cli.benchmark.rolling.versions import BEFORE

Rate = Annotated[float, typer.Option(min=10, help="Events a second from the simulated port.")]
Settle = Annotated[float, typer.Option(min=1, help="Seconds before the first change and after each.")]
Seed = Annotated[int, typer.Option(help="Of the simulated port.")]
Before = Annotated[str, typer.Option(metavar="REVISION", help="The commit or tag of the version before.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def main(
    before: Before = BEFORE, rate: Rate = 1_500.0, settle: Settle = 10.0, seed: Seed = 7, as_json: Json = False
) -> None:
    """Two workers of the version before, a simulated port that goes on, each worker replaced by this version, and back.

    Says how long partitions stood still and what became of every event; exit 1 when one is lost or there twice.
    """
    import json

    from streams.cli.benchmark.rolling.drill import Drill, Plan, as_table
    from streams.cli.benchmark.rolling.versions import current, install
    from streams.settings import load_settings

    settings = load_settings()
    environment = {**os.environ, "QUAYSTREAM_OWNER_URL": settings.owner_dsn()}
    with tempfile.TemporaryDirectory(prefix="quaystream-rolling-") as folder:
        old = install(before, Path(folder))
        result = Drill(Plan(rate, settle, seed), old, current(), environment, Path(folder)).run()
    print(json.dumps(result.as_json()) if as_json else as_table(result))
    if problems := result.problems():
        raise CheckFailedError("; ".join(problems))


if __name__ == "__main__":
    try:
        typer.run(main)
    except QuaystreamError as error:
        print(f"quaystream: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
