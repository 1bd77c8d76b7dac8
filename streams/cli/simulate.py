"""`simulate`: the deterministic port, into Kafka or a file, with the truth about what must come of it."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from schemas.errors import ConfigurationError
from streams.cli.span import span_option

if TYPE_CHECKING:
    from connectors.simulator import SimRecord, Simulation, SimulationOptions
    from streams.settings import Settings

KAFKA: Final = "kafka"
_DURATION: Final = "10m"
_SHOW_EVERY: Final = 500
_HISTORY: Final = timedelta(hours=4)  # the ship alongside arrived before the start, and its milestones are told
_BREATHE_EVERY: Final = 200

Seed = Annotated[int, typer.Option(help="Same seed, start and options: same bytes.")]
Duration = Annotated[
    str | None,
    typer.Option(metavar="SPAN", help="Simulated time, like 90s or 2h; by default 10m, or what the scenario takes."),
]
Rate = Annotated[float | None, typer.Option(min=0.001, metavar="R", help="Send at most R records a second.")]
RateHz = Annotated[float, typer.Option(metavar="HZ", help="Samples a second of a quay crane or modem.")]
Start = Annotated[
    str | None, typer.Option(metavar="TIME", help="Start of simulated time; by default the run ends now.")
]
Live = Annotated[bool, typer.Option("--live", help="Send each record when its time has come.")]
FaultNames = Annotated[str, typer.Option("--faults", metavar="LIST", help="Names with commas, or all, or none.")]
# Read from the folder: to import the simulator for its names would slow every command down.
SCENARIOS: Final = tuple(
    sorted(
        entry.name.removesuffix(".yaml")
        for entry in (files("connectors") / "simulator" / "scenarios").iterdir()
        if entry.name.endswith(".yaml")
    )
)
ScenarioName = Annotated[
    str | None,
    typer.Option(
        "--scenario",
        metavar="NAME",
        help=f"Play a short piece with known facts instead of the whole port: {', '.join(SCENARIOS)}.",
    ),
]
Sites = Annotated[
    int | None,
    typer.Option(metavar="N", help="Play N sites: the declared ones, and more that are like them, up to 22."),
]
TruthFile = Annotated[Path | None, typer.Option("--truth", metavar="FILE", help="Write what the database must show.")]
To = Annotated[str, typer.Option(metavar="kafka|FILE", help="Where to send, or the file to write.")]
Backfill = Annotated[
    bool, typer.Option("--backfill", help="Into the back-fill topics: read at a limited rate, beside live events.")
]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


@dataclass(frozen=True, slots=True)
class Pace:
    """When to send: as fast as possible, at a rate, or (`live`) when simulated time has come."""

    rate: float | None
    live: bool

    def delay_s(self, sent: int, elapsed_s: float, record: "SimRecord") -> float:
        """How long to wait before sending `record` as number `sent`."""
        if self.live:
            return (record.time - datetime.now(UTC)).total_seconds()
        return sent / self.rate - elapsed_s if self.rate else 0.0


def register(app: typer.Typer) -> None:
    app.command()(simulate)


def simulate(  # noqa: PLR0913, PLR0917  (one per option)
    seed: Seed = 1,
    duration: Duration = None,
    scenario: ScenarioName = None,
    sites: Sites = None,
    rate: Rate = None,
    rate_hz: RateHz = 2.0,
    start: Start = None,
    live: Live = False,
    faults: FaultNames = "none",
    truth: TruthFile = None,
    to: To = KAFKA,
    backfill: Backfill = False,
    as_json: Json = False,
) -> None:
    """Play a port: cranes, gates, 5G cells and devices, boxes and ships; with faults on request."""
    from connectors.simulator import Simulation, SimulationOptions, parse_faults

    pace = _pace(rate, live, to)
    if backfill and (live or to != KAFKA):
        raise ConfigurationError("--backfill is for history and Kafka: take away --live, or --to FILE")
    span = _span(duration, scenario)
    options = SimulationOptions(
        seed=seed,
        duration=span,
        start=_start(start, span, pace, to),
        rate_hz=rate_hz,
        faults=parse_faults(faults),
        scenario=scenario,
        sites=sites,
    )
    if truth is not None:
        _check_writable(truth)
    simulation = Simulation(options)
    began = time.monotonic()
    if to == KAFKA:
        asyncio.run(_send(simulation, options, pace, _topics(backfill)))
    else:
        _write(simulation, options, Path(to))
    _report(simulation.truth(), truth, to, time.monotonic() - began, print if as_json else None)


def _pace(rate: float | None, live: bool, to: str) -> Pace:
    if rate is not None and live:
        raise ConfigurationError("--rate and --live contradict each other: take one of the two away")
    if to != KAFKA and (rate is not None or live):
        raise ConfigurationError(f"--rate and --live pace Kafka, and {to} is a file: take them away")
    return Pace(rate, live)


def _span(text: str | None, scenario: str | None) -> timedelta:
    if text is None and scenario is not None:
        from connectors.simulator.scenarios import duration_of

        return duration_of(scenario)
    span = span_option("--duration", text or _DURATION)
    assert span is not None  # noqa: S101  (only None comes back as None)
    return span


def _start(text: str | None, duration: timedelta, pace: Pace, to: str) -> datetime:
    """Given, or: files begin where the tests do, live runs now, others end now. Whole seconds, so that it can be repeated."""
    from connectors.simulator.options import DEFAULT_START

    if text is None:
        now = datetime.now(UTC).replace(microsecond=0)
        return DEFAULT_START if to != KAFKA else now if pace.live else now - duration
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"--start {text} is not a time: write for example 2026-01-01T00:00:00Z") from error
    if start.tzinfo is None:
        raise ConfigurationError(f"--start {text} has no offset: write for example {text}Z")
    return start.astimezone(UTC)


def _check_ages(options: "SimulationOptions", pace: Pace, settings: "Settings") -> None:
    """A run is judged against the truth, which knows nothing of refusals for age: so there must be none."""
    from streams.settings import span_text

    now = datetime.now(UTC)
    if options.start - _HISTORY < now - settings.max_age:
        raise ConfigurationError(
            f"--start {options.start.isoformat()} is older than QUAYSTREAM_MAX_AGE={span_text(settings.max_age)}, "
            "so that the worker would refuse the events: raise it, or start later"
        )
    if not pace.live and options.start + options.duration > now + settings.max_future:
        raise ConfigurationError(
            f"the run from {options.start.isoformat()} ends in the future, so that the worker would refuse its events: "
            "add --live, or start earlier"
        )


def _topics(backfill: bool) -> Mapping[str, str]:
    """Which topic takes the place of which."""
    from schemas.topics import BACKFILL_OF

    return BACKFILL_OF if backfill else {}


async def _send(simulation: "Simulation", options: "SimulationOptions", pace: Pace, topics: Mapping[str, str]) -> None:
    """Send until the run ends, or a signal asks to stop; what was taken from the simulation is always sent."""
    from connectors.kafka.producer import Publisher
    from streams.cli.access import kafka_access
    from streams.settings import load_settings

    settings = load_settings()
    _check_ages(options, pace, settings)
    stop = _stop_on_signals()
    access = kafka_access(settings)
    protector = access.protector()
    async with Publisher(access) as publisher:
        began = asyncio.get_running_loop().time()
        with _progress(options) as show:
            for sent, record in enumerate(simulation.records()):
                delay_s = pace.delay_s(sent, asyncio.get_running_loop().time() - began, record)
                if delay_s > 0:
                    await _wait(stop, delay_s)
                elif sent % _BREATHE_EVERY == 0:
                    await asyncio.sleep(0)  # the client sends meanwhile
                topic = topics.get(record.topic, record.topic)
                value = protector.record(record.value, record.headers) if protector else record.value
                await publisher.send(topic, record.key, value, record.headers)
                show(sent, record)
                if stop.is_set():
                    break


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def _write(simulation: "Simulation", options: "SimulationOptions", path: Path) -> None:
    from connectors.simulator.recording import line

    _check_writable(path)
    with path.open("wb") as file, _progress(options) as show:
        for written, record in enumerate(simulation.records()):
            file.write(line(record))
            show(written, record)


def _check_writable(path: Path) -> None:
    try:
        path.touch()
    except OSError as error:
        raise ConfigurationError(f"cannot write {path} ({error.strerror}): name a file in a writable folder") from error


@contextmanager
def _progress(options: "SimulationOptions") -> Iterator[Callable[[int, "SimRecord"], None]]:
    """A bar over simulated minutes, on a terminal only."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("Simulate"), BarColumn(), MofNCompleteColumn(), TextColumn("s"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Simulate", total=round(options.duration.total_seconds()))

        def show(count: int, record: "SimRecord") -> None:
            if count % _SHOW_EVERY == 0:
                bar.update(task, completed=max(0, round((record.time - options.start).total_seconds())))

        yield show


def _report(
    found: dict[str, Any], truth: Path | None, to: str, seconds: float, as_json: Callable[[str], None] | None
) -> None:
    if truth is not None:
        truth.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")
    rate = round(found["produced"] / max(seconds, 1e-9))
    if as_json is not None:
        names = (
            "run",
            "seed",
            "start",
            "produced",
            "accepted",
            "duplicate",
            "rejected",
            "missing_sequences",
            "per_topic",
        )
        as_json(json.dumps({name: found[name] for name in names} | {"to": to, "seconds": round(seconds, 3)}))
        return
    rejected = sum(found["rejected"].values())
    print(
        f"Run {found['run']}: {found['produced']:,} records to {to} in {seconds:.1f} s ({rate:,}/s). To come of it: "
        f"{found['accepted']:,} accepted, {found['duplicate']:,} duplicates, {rejected:,} rejected, "
        f"{found['missing_sequences']:,} numbers missing."
    )
    if truth is not None and to == KAFKA:
        print(f"Check with: quaystream verify --wait 120s --truth {truth}")
