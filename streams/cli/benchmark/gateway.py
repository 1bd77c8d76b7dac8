"""How many events a second one core of a gateway takes, spool on: `python -m streams.cli.benchmark.gateway`.

Three ways in, each through the whole program as it is: fsync at every commit, numbers, a real broker that
confirms. Everything, librdkafka's threads too, is bound to one core. Writes to the topic `crane-events` of
the broker that the settings name: use a stack without data you want.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import psutil
import typer

from connectors.edge import KafkaAccess, Publisher
from connectors.edge.config import Config
from connectors.edge.gateway import Gateway

CRANES: Final = 100
SOURCE: Final = "/vnhph/tanvu/benchmark"
CALLERS: Final = 200
BATCH: Final = 100
_PROGRESS_S: Final = 0.02

Events = Annotated[int, typer.Option(min=1_000, help="Events a way.")]
Way = Callable[[Path, KafkaAccess, int], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Figure:
    """From the first event offered to the last one confirmed by the broker."""

    way: str
    events_per_s: float
    cpu_us_per_event: float
    rss_mb: float

    def text(self) -> str:
        return f"{self.way:<34}{self.events_per_s:>10,.0f}{self.cpu_us_per_event:>12.1f}{self.rss_mb:>8.0f}"


def samples(count: int) -> Iterator[dict[str, Any]]:
    """Crane samples of about 300 bytes as they are sent."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for number in range(count):
        data = {
            "hoist_position_m": 12.5,
            "trolley_position_m": 30.25,
            "load_t": 20.5,
            "energy_total_kwh": float(number),
        }
        subject = f"VNHPH-TANVU-STS{number % CRANES:02d}"
        yield {"type": "io.quaystream.crane.sample.v1", "subject": subject, "time": now, "data": data}


async def of_lines(folder: Path, access: KafkaAccess, count: int) -> None:
    """A file of JSON lines, by the gateway program."""
    config = {
        "source": SOURCE,
        "spool": {"path": str(folder / "spool.db")},
        "sources": [{"kind": "files", "name": "lines", "folder": str(folder), "pattern": "*.jsonl", "poll_s": 0.05}],
    }
    stop = asyncio.Event()
    gateway = Gateway(Config.model_validate(config), access)
    running = asyncio.ensure_future(gateway.run(stop))
    while gateway.delivered() < count:
        if running.done():
            break
        await asyncio.sleep(_PROGRESS_S)
    stop.set()
    await running


async def by_hundreds(folder: Path, access: KafkaAccess, count: int) -> None:
    """The library, a hundred events a call."""
    async with Publisher(folder / "spool.db", access, SOURCE) as publisher:
        events = samples(count)
        while some := list(islice(events, BATCH)):
            await publisher.send_all(some)
        await publisher.flush(60)


async def by_one(folder: Path, access: KafkaAccess, count: int) -> None:
    """The library, one event a call, by callers side by side that each wait for the disk."""
    events = samples(count)

    async def caller(publisher: Publisher) -> None:
        for event in events:
            await publisher.send(event)

    async with Publisher(folder / "spool.db", access, SOURCE) as publisher:
        await asyncio.gather(*(caller(publisher) for _ in range(CALLERS)))
        await publisher.flush(60)


WAYS: Final[dict[str, Way]] = {
    "file of JSON lines, whole program": of_lines,
    f"Publisher.send_all, {BATCH} a call": by_hundreds,
    f"Publisher.send, {CALLERS} callers": by_one,
}


def measure(name: str, way: Way, access: KafkaAccess, count: int) -> Figure:
    """One way, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="quaystream-gateway-") as folder:
        file = Path(folder) / "events.jsonl"
        if way is of_lines:
            file.write_text("".join(json.dumps(event) + "\n" for event in samples(count)), encoding="utf-8")
        wall, cpu = time.monotonic(), time.process_time()
        asyncio.run(way(Path(folder), access, count))
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    return Figure(name, count / wall, cpu / count * 1e6, psutil.Process().memory_info().rss / 1e6)


def run(events: Events = 100_000) -> None:
    """Measure every way, one after the other, on one core."""
    from streams.cli.access import kafka_access
    from streams.settings import load_settings

    access = kafka_access(load_settings())
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"load before: {os.getloadavg()[0]:.1f}\n{'way':<34}{'events/s':>10}{'us/event':>12}{'RSS MB':>8}")
    for name, way in WAYS.items():
        print(measure(name, way, access, events).text(), flush=True)


if __name__ == "__main__":
    typer.run(run)
