"""A soak as one picture: memory of each process, and how old events were when they were stored, over the minutes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError
from streams.cli.benchmark.soak.faults import Fault
from streams.cli.benchmark.soak.judge import MEGABYTE, Sample


def draw(samples: Sequence[Sample], faults: Sequence[Fault], file: Path) -> None:
    """Write the picture; raises ConfigurationError without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError(
            "the picture needs matplotlib: install the development packages (make setup)"
        ) from error
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "quaystream", "font.size": 9})
    figure = Figure(figsize=(9, 5), layout="constrained")
    memory, ages = figure.subplots(2, 1, sharex=True)
    for process in sorted({sample.process for sample in samples if "rss_bytes" in sample.values}):
        mine = [sample for sample in samples if sample.process == process]
        minutes = [sample.at_s / 60 for sample in mine]
        memory.plot(minutes, [sample.values["rss_bytes"] / MEGABYTE for sample in mine], label=process, linewidth=1)
        known = [sample for sample in mine if sample.age_s is not None]
        if known:
            ages.plot([s.at_s / 60 for s in known], [s.age_s for s in known], ".", markersize=3, label=process)
    memory.set_title("resident memory, MB (vertical: faults)")
    ages.set_title("mean age of events when stored, s (without the seconds around faults)")
    ages.set_xlabel("minutes")
    for axes in (memory, ages):
        _finish(axes, faults)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _finish(axes: Any, faults: Sequence[Fault]) -> None:
    for fault in faults:
        axes.axvline(fault.at_s / 60, color="#dddddd", linewidth=0.6, zorder=0)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
