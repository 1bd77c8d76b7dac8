"""The report, docs/benchmarks.md: what was measured, how, on what, and how to measure it again."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

from streams.cli.benchmark.contestants.copy_limit import CHUNK_ROWS
from streams.cli.benchmark.observation import DONE_SHARE, SETTLED_SHARE
from streams.cli.benchmark.open_loop import POLL_S, WARM_UP_S
from streams.cli.benchmark.plot import draw
from streams.cli.benchmark.tables import Grid, latency, markdown, ratios, summary, throughput

PICTURE = "crane-samples.svg"
_TEXT = Template((Path(__file__).parent / "report.md").read_text(encoding="utf-8"))


def write(result: Mapping[str, Any], file: Path) -> None:
    """Write the report, and its picture into a folder beside it that has the report's name."""
    draw(result, file.with_suffix("") / PICTURE)
    file.write_text(render(result, f"{file.stem}/{PICTURE}"), encoding="utf-8")


def render(result: Mapping[str, Any], picture: str) -> str:
    """The report's Markdown; `picture` is the link to the picture."""
    first = result["workloads"][0]
    return _TEXT.substitute(
        picture=picture,
        how_to="[run the benchmark](how-to/run-the-benchmark.md)",
        gateway="[how fast, and what a kill costs](how-to/gateway.md#how-fast)",
        rounds=first["rounds"],
        summary=markdown(summary(result)),
        event_bytes=first["event_bytes"],
        chunk_rows=f"{CHUNK_ROWS:,}",
        poll_ms=f"{POLL_S * 1e3:.0f}",
        warm_up_s=f"{WARM_UP_S:.0f}",
        settled=f"{SETTLED_SHARE:.0%}",
        done=f"{DONE_SHARE:.0%}",
        generator=f"{first['generator_events_per_s']:,}",
        contestants=_contestants(result),
        workloads="\n\n".join(_workload(workload) for workload in result["workloads"]),
        latency=markdown(latency(first)),
        machine=markdown(_machine(result["machine"])),
    )


def _contestants(result: Mapping[str, Any]) -> str:
    entries = {e["name"]: e for workload in reversed(result["workloads"]) for e in workload["contestants"]}
    lines = [f"- **{name}** ({e['events']:,} events a round): {e['does']}." for name, e in entries.items()]
    return "\n".join(lines + [f"- **{name}** did not take part: {why}." for name, why in result["absent"].items()])


def _workload(workload: Mapping[str, Any]) -> str:
    left_out = "; ".join(f"{name} {reason}" for name, reason in workload["left_out"].items())
    paragraphs = (
        f"### {workload['name']}",
        f"{_sentence(workload['does'])} {workload['event_bytes']} bytes an event.",
        markdown(throughput(workload)),
        markdown(ratios(workload)) if workload["ratios"] else "",
        f"Left out: {left_out}." if left_out else "",
        "\n".join(_faults(workload)),
    )
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _faults(workload: Mapping[str, Any]) -> Iterator[str]:
    for entry in workload["contestants"]:
        for fault in entry["faults"]:
            yield f"- **{entry['name']} stored wrong rows**: {fault}"


def _machine(machine: Mapping[str, Any]) -> Grid:
    return Grid(("what", "value"), [(name.replace("_", " "), str(value)) for name, value in machine.items()])
