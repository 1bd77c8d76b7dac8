"""`quaystream worker`: checks what it needs, then runs until SIGTERM (or until it has caught up)."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(worker)


def worker(
    processes: Annotated[int, typer.Option(min=1, max=64, help="Worker processes; Kafka spreads the partitions.")] = 1,
    *,
    until_caught_up: Annotated[
        bool, typer.Option("--until-caught-up", help="End when everything now in the topics is stored.")
    ] = False,
) -> None:
    """Read the event topics and store what they say, effectively once.

    Safe to stop, kill or start again at any time: progress lives in the database. Serves /metrics, /livez
    and /readyz on QUAYSTREAM_WEB_PORT (unset: the next free of 6066-6097).
    """
    from streams.running import run_many, run_one
    from streams.settings import load_settings

    settings = load_settings()
    if processes == 1:
        run_one(settings, until_caught_up=until_caught_up)
    else:
        run_many(processes, until_caught_up=until_caught_up)
