"""A result as rows of text, for the terminal and for the report alike."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

PARTS = ("worker", "database", "broker")
PLAIN = ("crane", "crane-samples")
"""The workload whose figures need no further word; older results call it by the second name."""
_RATIOS = (
    ("events/s: quaystream / {peer}", "ratio"),
    ("CPU per event: {peer} / quaystream", "cpu_ratio"),
    ("worker CPU per event: {peer} / quaystream", "worker_cpu_ratio"),
)


class Grid(NamedTuple):
    """A heading and rows under it, all of one width."""

    heading: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def throughput(workload: Mapping[str, Any]) -> Grid:
    """Per contestant: rate with its range, CPU, memory, rows."""
    heading = ("contestant", "events/s", "lowest - highest", *(f"{part} µs/event" for part in PARTS), "RSS MB", "rows")
    return Grid(heading, [_throughput_row(entry) for entry in workload["contestants"]])


def latency(workload: Mapping[str, Any]) -> Grid:
    """Per contestant and rate, in ms, with what an event costs at that load."""
    cpu = tuple(f"{part} µs/event" for part in PARTS)
    waiting = ("p50 ms", "p99 ms", "p99.9 ms", "max ms", "broker p99 ms")
    heading = ("contestant", "rate /s", *waiting, *cpu, "rows")
    rows = [
        (
            entry["name"],
            f"{int(rate):,}",
            *(ms(waits[p]) for p in ("p50", "p99", "p99.9", "max", "acked_p99")),
            *(f"{waits['cpu_us_per_event'][part]:.0f}" for part in PARTS),
            _rows(waits),
        )
        for entry in workload["contestants"]
        for rate, waits in entry["latency_ms"].items()
    ]
    return Grid(heading, rows)


def ratios(result: Mapping[str, Any]) -> Grid:
    """Ours against each peer: median of the rounds and their range; of `result` or of one of its workloads."""
    rows = [
        row
        for words, name in _RATIOS
        for peer, value in result.get(f"{name}s", {}).items()
        for low, high in [result[f"{name}_ranges"][peer]]
        for row in [(words.format(peer=peer), f"{value:g}", f"{low:g} - {high:g}")]
    ]
    return Grid(("ratio", "median of rounds", "lowest - highest"), rows)


def summary(result: Mapping[str, Any]) -> Grid:
    """Events/s of everyone with every workload."""
    names = {entry["name"]: None for workload in result["workloads"] for entry in workload["contestants"]}
    rates = [{e["name"]: e["events_per_s"] for e in workload["contestants"]} for workload in result["workloads"]]
    rows = [(name, *(f"{rate[name]:,}" if name in rate else "" for rate in rates)) for name in names]
    return Grid(("contestant", *(workload["name"] for workload in result["workloads"])), rows)


def comparison(old: Mapping[str, Any], new: Mapping[str, Any]) -> Grid:
    """What both results have, old beside new, with the change in per cent."""
    before, after = _figures(old), _figures(new)
    rows = [
        (name, f"{before[name]:g}", f"{after[name]:g}", f"{after[name] / before[name] - 1:+.0%}")
        for name in before
        if name in after and before[name]
    ]
    return Grid(("figure", "before", "now", "change"), rows)


def markdown(grid: Grid) -> str:
    """The grid as a Markdown table; figures to the right."""
    ruler = ["---", *("---:" for _ in grid.heading[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (grid.heading, ruler, *grid.rows))


def ms(value: float | None) -> str:
    """Milliseconds; a latency that never ended has none."""
    return "never" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _throughput_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    rounds: Sequence[int] = entry["events_per_s_rounds"]
    cpu = (f"{entry['cpu_us_per_event'][part]:.1f}" for part in PARTS)
    spread = f"{min(rounds):,} - {max(rounds):,}"
    return (entry["name"], f"{entry['events_per_s']:,}", spread, *cpu, f"{entry['rss_mb']:,}", _rows(entry))


def _rows(entry: Mapping[str, Any]) -> str:
    return "ok" if entry["rows_ok"] else "WRONG"


def _figures(result: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a result by a name that says what they are."""
    found: dict[str, float] = {f"ratio to {name}": value for name, value in result["ratios"].items()}
    for workload in result["workloads"]:
        prefix = "" if workload["name"] in PLAIN else f"{workload['name']}: "
        for entry in workload["contestants"]:
            found |= {f"{prefix}{entry['name']} {name}": value for name, value in _figures_of(entry)}
    return found


def _figures_of(entry: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield "events/s", entry["events_per_s"]
    yield "RSS MB", entry["rss_mb"]
    for part, micros in entry["cpu_us_per_event"].items():
        yield f"{part} µs/event", micros
    for rate, waits in entry["latency_ms"].items():
        for p in ("p50", "p99", "p99.9"):
            if waits[p]:
                yield f"{p} ms at {rate}/s", waits[p]
