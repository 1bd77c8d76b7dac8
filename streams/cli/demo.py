"""`demo`: the whole system at work with a simulated port, in one command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from schemas.errors import CheckFailedError, ServiceUnreachableError

if TYPE_CHECKING:
    from streams.settings import Settings

STOP_S = 30.0
Seconds = Annotated[int | None, typer.Option(min=10, metavar="N", help="End after N seconds with `verify`.")]
Seed = Annotated[int, typer.Option(help="The simulated port's seed.")]
FaultNames = Annotated[str, typer.Option("--faults", metavar="LIST", help="Faults to simulate: names, all or none.")]


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(seconds: Seconds = None, seed: Seed = 7, faults: FaultNames = "all") -> None:
    """Start the stack, prepare it, run a worker and a simulated port, and show what arrives.

    Without --seconds it runs until Ctrl-C. The stack stays up afterwards (`quaystream down` stops it).
    """
    from streams.cli import database, stack, topics, verify
    from streams.cli.demo_view import addresses

    console = Console(highlight=False)
    stack.up()
    database.migrate()
    topics.apply()
    settings = _settings()
    truth = settings.home / "demo-truth.json"
    span = f"{seconds}s" if seconds else "24h"
    simulate = [
        "simulate",
        "--live",
        "--seed",
        str(seed),
        "--duration",
        span,
        "--faults",
        faults,
        "--truth",
        str(truth),
    ]
    with (
        _child("worker", settings, ["worker"], _of("worker")) as worker,
        _child("simulate", settings, simulate) as port,
    ):
        _watch(settings, worker, port, console, seconds)
        _end(port)
        console.print("The simulated port has ended; checking that everything adds up…")
        try:
            verify.verify(truth=truth, wait="60s")
        finally:
            console.print(addresses(settings), soft_wrap=True)


def _settings() -> "Settings":
    # Read only now: the stack has just written where it listens.
    from streams.settings import load_settings

    return load_settings()


def _of(principal: str) -> Mapping[str, str]:
    """Our own environment, with the settings of a principal where the stack is secured: least rights in a demo too."""
    from deploy.local.security import environment_of
    from streams.settings import load_settings

    return {**os.environ, **environment_of(load_settings().home, principal)}


def _watch(
    settings: "Settings",
    worker: "subprocess.Popen[bytes]",
    port: "subprocess.Popen[bytes]",
    console: Console,
    seconds: int | None,
) -> None:
    from streams.cli.demo_view import watch

    deadline = time.monotonic() + seconds if seconds else None

    def goes_on() -> bool:
        _check_alive("worker", worker, settings)
        if port.poll() not in (None, 0):
            _check_alive("simulate", port, settings)
        return port.poll() is None and (deadline is None or time.monotonic() < deadline)

    try:
        watch(settings, console, goes_on)
    except KeyboardInterrupt:
        console.print("Stopping…")


def _check_alive(name: str, child: "subprocess.Popen[bytes]", settings: "Settings") -> None:
    if child.poll() is not None:
        log = _log(settings, name)
        said = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        raise CheckFailedError(f"the {name} ended with {child.returncode}: see {log}: {said[-1]}")


@contextmanager
def _child(
    name: str, settings: "Settings", arguments: list[str], environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A quaystream command beside this one, its words in a log; stopped at the end."""
    log = _log(settings, name)
    with log.open("wb") as words:
        command = [sys.executable, "-m", "streams.cli", *arguments]
        # In a group of its own: Ctrl-C reaches us alone, and we stop it in order.
        child = subprocess.Popen(  # noqa: S603
            command, stdout=words, stderr=subprocess.STDOUT, start_new_session=True, env=environment
        )
    try:
        yield child
    finally:
        _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired as error:
        child.kill()
        raise ServiceUnreachableError(f"process {child.pid} did not stop within {STOP_S:.0f} s") from error


def _log(settings: "Settings", name: str) -> Path:
    return settings.home / "logs" / f"demo-{name}.log"
