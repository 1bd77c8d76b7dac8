"""The report, docs/benchmarks.md: what was measured, how, on what, and how to measure it again."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from streams.cli.benchmark.contestants.copy_limit import CHUNK_ROWS
from streams.cli.benchmark.open_loop import POLL_S, WARM_UP_S
from streams.cli.benchmark.plot import draw
from streams.cli.benchmark.tables import Grid, latency, markdown, ratios, throughput

PICTURE = "crane-samples.svg"
_TEXT = Template((Path(__file__).parent / "report.md").read_text(encoding="utf-8"))


def write(result: Mapping[str, Any], file: Path) -> None:
    """Write the report, and its picture into a folder beside it that has the report's name."""
    draw(result, file.with_suffix("") / PICTURE)
    file.write_text(render(result, f"{file.stem}/{PICTURE}"), encoding="utf-8")


def render(result: Mapping[str, Any], picture: str) -> str:
    """The report's Markdown; `picture` is the link to the picture."""
    workload = result["workloads"][0]
    return _TEXT.substitute(
        picture=picture,
        rounds=workload["rounds"],
        event_bytes=workload["event_bytes"],
        chunk_rows=f"{CHUNK_ROWS:,}",
        poll_ms=f"{POLL_S * 1e3:.0f}",
        warm_up_s=f"{WARM_UP_S:.0f}",
        generator=f"{workload['generator_events_per_s']:,}",
        contestants=_contestants(workload),
        throughput=markdown(throughput(workload)),
        ratios=markdown(ratios(result)),
        latency=markdown(latency(workload)),
        machine=markdown(_machine(result["machine"])),
    )


def _contestants(workload: Mapping[str, Any]) -> str:
    lines = (f"- **{e['name']}** ({e['events']:,} events a round): {e['does']}." for e in workload["contestants"])
    return "\n".join(lines)


def _machine(machine: Mapping[str, Any]) -> Grid:
    return Grid(("what", "value"), [(name.replace("_", " "), str(value)) for name, value in machine.items()])
