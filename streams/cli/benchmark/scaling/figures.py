"""A course as rows of text, for the terminal and for the page alike."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from streams.cli.benchmark.scaling.document import PARTS
from streams.cli.benchmark.tables import Grid

WHAT: Final = {
    "assets": "assets",
    "partitions": "partitions",
    "rows": "rows stored before",
    "chunks": "chunks dropped meanwhile",
    "workers": "workers",
}


def points(name: str, curve: Mapping[str, Any]) -> Grid:
    """Per point: rate with its range, CPU by part and in all, against the first point, the longest pause."""
    heading = (
        *(WHAT[name], "events/s", "lowest - highest", *(f"{part} µs/event" for part in PARTS)),
        *("all µs/event", "× first", "longest pause ms", "RSS MB", "rows"),
    )
    first = sum(curve["points"][0]["cpu_us_per_event"].values())
    return Grid(heading, [_row(point, first) for point in curve["points"]])


def rebalance(found: Mapping[str, Any]) -> Grid:
    """The pauses of one handover, in seconds."""
    heading = (f"at {found['rate']:,} events/s", "s without any commit", "s without one of the slowest partition")
    return Grid(
        heading,
        [
            ("undisturbed", f"{found['quiet_s']:.2f}", ""),
            ("a second worker joins", f"{found['join_s']:.2f}", f"{found['join_waited_s']:.2f}"),
            ("it leaves (SIGTERM)", f"{found['leave_s']:.2f}", f"{found['leave_waited_s']:.2f}"),
        ],
    )


def memory(found: Mapping[str, Any]) -> Grid:
    """The memory of a worker that was kept behind: the highest of its fifths, the peak, and how it grew."""
    minutes = found["minutes_mb"]
    fifths = [minutes[len(minutes) * n // 5 : len(minutes) * (n + 1) // 5] or minutes[-1:] for n in range(5)]
    heading = ("kept behind", "behind by", "events stored", *(f"MB, fifth {n}" for n in range(1, 6)), "peak MB", "MB/h")
    row = (
        f"{found['seconds'] / 60:.0f} min",
        f"{found['behind_s'] / 60:.1f} min",
        f"{found['events']:,}",
        *(f"{max(fifth):,}" for fifth in fifths),
        f"{found['peak_mb']:,}",
        f"{found['growth_mb_per_h']:+.1f}",
    )
    return Grid(heading, [row])


def backfill(found: Sequence[Mapping[str, Any]]) -> Grid:
    """What live events waited, by how much history was read beside them."""
    heading = (
        *("history, at most/s", "history/s", "live/s", "p50 ms", "p99 ms", "p99 of the rounds"),
        *("p99.9 ms", "most ms", "p99 × without", "acknowledged p99 ms", "then stored p50 ms", "p99 ms", "rows"),
    )
    return Grid(heading, [_beside(point, found[0]["p99_ms"]) for point in found])


def overhead(curve: Mapping[str, Any]) -> float:
    """How much more worker CPU an event costs with the most workers than with one, as a share."""
    costs = [point["cpu_us_per_event"]["worker"] for point in curve["points"]]
    return float(costs[-1] / costs[0] - 1)


def _beside(point: Mapping[str, Any], without: float) -> tuple[str, ...]:
    rounds = point["p99_ms_rounds"]
    return (
        *(f"{point[name]:,}" for name in ("limit", "history_per_s", "rate", "p50_ms", "p99_ms")),
        f"{min(rounds):,} - {max(rounds):,}",
        *(f"{point[name]:,}" for name in ("p999_ms", "max_ms")),
        f"{point['p99_ms'] / without:.2f}",
        *(f"{point[name]:,}" for name in ("acked_p99_ms", "stored_p50_ms", "stored_p99_ms")),
        "ok" if point["complete"] else "WRONG",
    )


def _row(point: Mapping[str, Any], first: float) -> tuple[str, ...]:
    rounds, cpu = point["events_per_s_rounds"], point["cpu_us_per_event"]
    whole = sum(cpu.values())
    return (
        f"{point['at']:,}",
        f"{point['events_per_s']:,}",
        f"{min(rounds):,} - {max(rounds):,}",
        *(f"{cpu[part]:.1f}" for part in PARTS),
        f"{whole:.1f}",
        f"{whole / first:.2f}",
        f"{point['pause_ms']:,}",
        f"{point['rss_mb']:,}",
        "WRONG" if point["faults"] else "ok",
    )
