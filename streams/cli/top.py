"""`quaystream top`: the workers at work, from their own metrics."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from schemas.errors import ConfigurationError, ServiceUnreachableError

if TYPE_CHECKING:
    from connectors.prometheus.exposition import Exposition
    from streams.cli.watch.reading import Reading

Urls = Annotated[
    list[str] | None, typer.Option("--url", metavar="URL", help="A worker's metrics; by default those of this stack.")
]
Every = Annotated[float, typer.Option(min=0.2, max=60, metavar="SECONDS", help="How long one reading lasts.")]
Once = Annotated[bool, typer.Option("--once", help="One reading, then end.")]
Json = Annotated[bool, typer.Option("--json", help="Each reading as one line of JSON; unknown is null.")]
WIDE = 140


def register(app: typer.Typer) -> None:
    app.command()(top)


def top(url: Urls = None, every: Every = 1.0, once: Once = False, as_json: Json = False) -> None:
    """Watch the workers: rates by outcome, ages, lag in records and seconds, commits, fences, dead letters.

    Rates and latencies are of the time between two looks, totals since the workers began; `?` is unknown, never 0.
    Exit 3 when no worker answers. Ctrl-C ends it.
    """
    from streams.cli.watch.screen import screen

    addresses = _addresses(url)
    readings = _readings(addresses, every)
    if as_json:
        for reading, _ in readings:
            print(json.dumps(asdict(reading)), flush=True)
            if once:
                return
    console = Console(highlight=False)
    if once or not console.is_terminal:
        wide = console if console.is_terminal else Console(highlight=False, width=WIDE)
        for reading, troubles in readings:
            wide.print(screen(reading, troubles))
            if once:
                return
    try:
        with Live(console=console, auto_refresh=False, screen=True) as live:
            for reading, troubles in readings:
                live.update(screen(reading, troubles), refresh=True)
    except KeyboardInterrupt:
        return


def _addresses(given: list[str] | None) -> list[str]:
    from deploy.local import Stack
    from streams.settings import load_settings

    wrong = [address for address in given or [] if not address.startswith(("http://", "https://"))]
    if wrong:
        raise ConfigurationError(
            f"--url {wrong[0]} is no address: write for example --url http://127.0.0.1:6066/metrics"
        )
    found = given or Stack(load_settings().home).status().worker_metrics
    if not found:
        raise ServiceUnreachableError(
            "no worker runs here: start one with `quaystream worker`, or name its metrics with --url"
        )
    return found


def _readings(addresses: list[str], every_s: float) -> "Iterator[tuple[Reading, list[str]]]":
    from streams.cli.watch.reading import read

    before, _ = _scrapes(addresses)
    looked = time.monotonic()
    while True:
        time.sleep(every_s)
        after, troubles = _scrapes(addresses)
        now = time.monotonic()
        yield read(before, after, now - looked, time.time()), troubles
        before, looked = after, now


def _scrapes(addresses: list[str]) -> "tuple[dict[str, Exposition], list[str]]":
    """By address, and what did not answer; raises ServiceUnreachableError when nothing did."""
    from connectors.prometheus.exposition import scrape

    found, troubles = {}, []
    for address in addresses:
        try:
            found[address] = scrape(address)
        except ServiceUnreachableError as error:
            troubles.append(str(error))
    if not found:
        raise ServiceUnreachableError("; ".join(troubles))
    return found, troubles
