"""Builders: runs as a benchmark would have measured them, and the result made of them."""

from typing import Any

from streams.cli.benchmark.contestants import LIMIT, OURS, STOCK_FAUST
from streams.cli.benchmark.courses import CRANE
from streams.cli.benchmark.drain import Drain
from streams.cli.benchmark.latency import Latency, Waits
from streams.cli.benchmark.results import Failure, Outcome, Pace, document

ABSENT = {"telegraf": "not there: `make peers` installs it"}
LEFT_OUT = {"quix": "does not recognise repeats"}
CPU = {"worker": 7.0, "database": 3.0, "broker": 1.0}


def drained(contestant: str, number: int, events_per_s: float, *faults: str) -> Drain:
    return Drain(contestant, number, 1_000, events_per_s, CPU, 300.0, faults)


def waited(contestant: str, rate: int, p99_ms: float, *, unseen: int = 0, rows_ok: bool = True) -> Latency:
    waits = Waits(20_000, p99_ms / 2, p99_ms, p99_ms * 2, p99_ms * 3, unseen, 4.0)
    return Latency(contestant, rate, waits, CPU, rows_ok)


def result(*runs: Drain, latencies: tuple[Latency, ...] = (), failures: tuple[Failure, ...] = ()) -> dict[str, Any]:
    outcome = Outcome(CRANE, (OURS, STOCK_FAUST, LIMIT), runs, latencies, Pace(297.4, 25_000.0), LEFT_OUT, failures)
    return document({"cpu": "a processor", "cores": 2}, [outcome], ABSENT)


def three_rounds() -> tuple[Drain, ...]:
    """A warm-up that was slow, then three rounds in which the whole machine gets faster."""
    rates = {"quaystream": (10, 60, 80, 100), "stock_faust": (1, 6, 8, 10), "limit": (100, 200, 320, 500)}
    return tuple(
        drained(name, number, rate * 1_000.0) for name, rounds in rates.items() for number, rate in enumerate(rounds)
    )
