"""Builders: a course as it would have been measured."""

from collections.abc import Sequence
from typing import Any

from streams.cli.benchmark.latency import Waits
from streams.cli.benchmark.scaling.beside import Beside
from streams.cli.benchmark.scaling.document import Run, document
from streams.cli.benchmark.scaling.extent import Extent
from streams.cli.benchmark.scaling.handover import Handover
from streams.cli.benchmark.scaling.memory import Memory
from streams.cli.benchmark.scaling.pull import Pull

MACHINE = {"cpu": "a processor", "cores": 2}
HANDOVER = Handover(4_000, 0.05, 0.4, 0.3, 1.25, 2.5, is_complete=True)
# A reading every 10 s for ten minutes: 200 MB at first, 250 from the second minute on, a peak of 260 in the sixth.
MEMORY = Memory(
    6_000_000,
    600.0,
    9_000_000,
    5_400_000,
    [(at, 200.0 if at < 60 else 260.0 if at == 320 else 250.0) for at in map(float, range(0, 600, 10))],
)


def pulled(worker: float, *faults: str, events_per_s: float = 80_000.0) -> Pull:
    return Pull(events_per_s, {"worker": worker, "database": 3.0, "broker": 1.0}, 200.0, 300.0, faults)


def run(
    curve: str, at: int, worker: float, *, number: int = 1, rate: float = 80_000.0, faults: tuple[str, ...] = ()
) -> Run:
    return Run(curve, at, number, pulled(worker, *faults, events_per_s=rate), 40_000 if at and curve == "chunks" else 0)


def beside(limit: int, number: int, p99_ms: float, *, is_complete: bool = True) -> Beside:
    waits = Waits(150_000, 20.0, p99_ms, 2 * p99_ms, 3 * p99_ms, 0, 8.0)
    return Beside(limit, number, waits, 15.0, p99_ms - 8.0, limit * 0.9, is_complete)


BESIDES = [
    beside(limit, number, p99)
    for number, at in ((1, (40.0, 60.0)), (2, (50.0, 80.0)))
    for limit, p99 in zip((0, 2_000), at, strict=True)
]


def course(*more: Run, handover: Handover | None = HANDOVER, besides: Sequence[Beside] = BESIDES) -> dict[str, Any]:
    """Three rounds of two numbers of assets, one of everything else."""
    assets = (
        run("assets", at, worker, number=number, rate=rate)
        for number, rate in enumerate((60_000.0, 80_000.0, 100_000.0), 1)
        for at, worker in ((10, 6.0), (10_000, 8.0))
    )
    others = (
        run(curve, at, worker)
        for curve, points in {
            "partitions": (1, 48),
            "rows": (0, 5_000_000),
            "chunks": (0, 20),
            "workers": (1, 4),
        }.items()
        for at, worker in zip(points, (6.0, 6.3), strict=True)
    )
    return document(MACHINE, Extent(rounds=3), [*assets, *others, *more], handover, besides, MEMORY)
