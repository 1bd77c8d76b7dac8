"""The result as one picture: rates with every round, CPU by who spent it, latency by load, rates by workload."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError
from streams.cli.benchmark.tables import PARTS

COLOURS = {"worker": "#1f77b4", "database": "#2ca02c", "broker": "#ff7f0e"}
GREY = "#9aa5b1"


def draw(result: Mapping[str, Any], file: Path) -> None:
    """Write the picture; the file's ending chooses the format. Raises ConfigurationError without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError("the plot needs matplotlib: install the development packages (make setup)") from error
    # Text stays text and ids do not change, so that a new run is a small difference.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "quaystream", "font.size": 9})
    figure = Figure(figsize=(11, 7.2), layout="constrained")
    (rates, cpu), (waits, workloads) = figure.subplots(2, 2)
    workload = result["workloads"][0]
    _draw_rates(rates, workload["contestants"])
    _draw_cpu(cpu, workload["contestants"])
    _draw_latency(waits, workload["contestants"])
    _draw_workloads(workloads, result["workloads"])
    for axes in (rates, cpu, waits, workloads):
        axes.spines[["top", "right"]].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _draw_rates(axes: Any, contestants: list[Mapping[str, Any]]) -> None:
    names = [entry["name"] for entry in contestants]
    axes.bar(names, [entry["events_per_s"] for entry in contestants], color=GREY)
    for place, entry in enumerate(contestants):
        rounds = entry["events_per_s_rounds"]
        axes.plot([place] * len(rounds), rounds, "k.", markersize=5)
        axes.annotate(f"{entry['events_per_s']:,}", (place, max(rounds)), ha="center", va="bottom")
    axes.set_yscale("log")
    axes.set_title("events/s stored (log scale; dots: rounds)")


def _draw_cpu(axes: Any, contestants: list[Mapping[str, Any]]) -> None:
    names = [entry["name"] for entry in contestants]
    below = [0.0] * len(names)
    for part in PARTS:
        micros = [entry["cpu_us_per_event"][part] for entry in contestants]
        axes.bar(names, micros, bottom=below, color=COLOURS[part], label=part)
        below = [low + more for low, more in zip(below, micros, strict=True)]
    axes.set_yscale("symlog", linthresh=20)
    axes.legend(frameon=False)
    axes.set_title("CPU µs per event")


def _draw_latency(axes: Any, contestants: list[Mapping[str, Any]]) -> None:
    for entry in contestants:
        waits = entry["latency_ms"]
        rates = [int(rate) for rate in waits if waits[rate]["p99"] is not None]
        if rates:
            line = axes.plot(rates, [waits[str(r)]["p99"] for r in rates], "o-", label=f"{entry['name']} p99")[0]
            axes.plot(rates, [waits[str(r)]["p50"] for r in rates], "o:", color=line.get_color(), label="p50")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("events/s offered")
    axes.set_title("ms from due to committed")
    if axes.has_data():
        axes.legend(frameon=False)


def _draw_workloads(axes: Any, workloads: list[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(entry["name"] for workload in workloads for entry in workload["contestants"]))
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        rates = [{e["name"]: e["events_per_s"] for e in workload["contestants"]} for workload in workloads]
        there = [number for number, rate in enumerate(rates) if name in rate]
        places = [number + place * width for number in there]
        axes.bar(places, [rates[number][name] for number in there], width, align="edge", label=name)
    axes.set_xticks([number + 0.4 for number in range(len(workloads))], [workload["name"] for workload in workloads])
    axes.set_yscale("log")
    axes.legend(frameon=False, ncols=2, fontsize=7)
    axes.set_title("events/s stored, by workload (log scale)")
