"""The quaystream command. One file per command group, each with a `register(app)`; composed here."""

import sys
from importlib import import_module

import typer

from schemas.errors import QuaystreamError

GROUPS = (
    "demo",
    "bench",
    "bench_curves",
    "chaos",
    "capacity",
    "stack",
    "backup",
    "rotate",
    "database",
    "topics",
    "worker",
    "publish",
    "gateway",
    "mapping",
    "dead_letters",
    "board",
    "top",
    "verify",
    "offsets",
    "export",
    "kpi",
    "onboard",
    "share",
    "vault",
    "api",
    "doctor",
    "health",
    "simulate",
)


def build_app() -> typer.Typer:
    """The whole command tree. Groups import heavy libraries only inside their commands."""
    app = typer.Typer(
        name="quaystream",
        help="Streaming ingestion for smart ports and private 5G: Kafka to TimescaleDB, effectively once.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for group in GROUPS:
        import_module(f"streams.cli.{group}").register(app)
    return app


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 a check failed, 2 usage or configuration, 3 service unreachable."""
    try:
        build_app()()
    except QuaystreamError as error:
        print(f"quaystream: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
