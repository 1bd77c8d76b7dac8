"""The curves as one picture: CPU per event by who spent it, stacked, and the rate beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError
from streams.cli.benchmark.plot import COLOURS
from streams.cli.benchmark.scaling.document import PARTS
from streams.cli.benchmark.scaling.figures import WHAT

WIDTH, HEIGHT = 3.6, 3.2


def draw(result: Mapping[str, Any], file: Path) -> None:
    """Write the picture; the file's ending chooses the format. Raises ConfigurationError without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError("the plot needs matplotlib: install the development packages (make setup)") from error
    # Text stays text and ids do not change, so that a new run is a small difference.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "quaystream", "font.size": 8})
    curves = result["curves"]
    figure = Figure(figsize=(WIDTH * max(1, len(curves)), HEIGHT), layout="constrained")
    for place, (name, curve) in enumerate(curves.items(), start=1):
        _draw(figure.add_subplot(1, len(curves), place), name, curve["points"])
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _draw(axes: Any, name: str, points: list[Mapping[str, Any]]) -> None:
    places = range(len(points))
    costs = [[point["cpu_us_per_event"][part] for point in points] for part in PARTS]
    axes.stackplot(places, costs, labels=PARTS, colors=[COLOURS[part] for part in PARTS], alpha=0.8)
    axes.set_xticks(places, [_short(point["at"]) for point in points])
    axes.set_xlabel(WHAT[name])
    axes.set_ylabel("CPU µs per event")
    axes.set_ylim(bottom=0)
    rates = axes.twinx()
    rates.plot(places, [point["events_per_s"] / 1e3 for point in points], "ko-", markersize=4)
    rates.set_ylabel("thousand events/s (dots)")
    rates.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="lower left")


def _short(number: int) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size and number % size == 0:
            return f"{number // size}{letter}"
    return f"{number:,}"
