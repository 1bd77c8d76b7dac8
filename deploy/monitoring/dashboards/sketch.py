"""A board drawn without a Grafana, from its committed JSON and what the local stack answers: rough, but with real numbers.

    python -m deploy.monitoring.dashboards.sketch quaystream-5g --site VNHPH-TANVU --hours 2 board.png

Shows whether panels have sense at a glance; it is not how Grafana draws them.
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deploy.local.stack import Stack
from deploy.monitoring.dashboards import expand
from deploy.monitoring.dashboards.expand import Chosen
from deploy.monitoring.dashboards.measure import Reader, ask_prometheus, choose, now
from deploy.monitoring.dashboards.panel import COLUMNS
from deploy.monitoring.dashboards.saved import Json, boards, panels, question_of

UNIT_IN = 0.75
SHORT = {
    "percentunit": "%",
    "s": "s",
    "ms": "ms",
    "bytes": "B",
    "dBm": "dBm",
    "masst": "t",
    "velocityms": "m/s",
    "kwatth": "kWh",
}
_HUES = {"green": "#56a64b", "red": "#e02f44", "yellow": "#f2cc0c", "orange": "#ff780a"}
Series = Mapping[str, Sequence[tuple[datetime, float]]]


def main() -> int:
    """Ask and draw."""
    parser = argparse.ArgumentParser(prog="python -m deploy.monitoring.dashboards.sketch", description=__doc__)
    parser.add_argument("board", help="its uid")
    parser.add_argument("file", type=Path, help="a .png or .svg")
    parser.add_argument("--site", default="VNHPH-TANVU")
    parser.add_argument("--hours", type=float, default=2)
    asked = parser.parse_args()
    from streams.settings import load_settings

    status = Stack(load_settings().home).status()
    reader = Reader(str(status.reader_url))
    board = boards()[f"{asked.board}.json"]
    chosen = choose(board, reader, now() - timedelta(hours=asked.hours), now(), {"site": asked.site})
    draw(board, reader, str(status.prometheus), chosen).savefig(asked.file)
    reader.close()
    return 0


def draw(board: Json, reader: Reader, prometheus: str, chosen: Chosen) -> Figure:
    """The board's panels where they belong, with what they answer now."""
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels(board))
    figure = Figure(figsize=(COLUMNS * UNIT_IN, (height + 1) * UNIT_IN * 0.62), facecolor="#f4f5f5")
    figure.suptitle(board["title"], x=0.01, ha="left", fontsize=15)
    for panel in board["panels"]:
        place = panel["gridPos"]
        bottom = 1 - (place["y"] + place["h"] + 1) / (height + 1)
        if panel["type"] == "row":
            figure.text(0.01, bottom + 0.3 / (height + 1), panel["title"], fontsize=10, color="#555")
            continue
        margin = (
            0.12
            if panel["type"] in ("status-history", "state-timeline", "bargauge") and place["w"] < COLUMNS
            else 0.035
        )
        left = place["x"] / COLUMNS + margin * (place["w"] / COLUMNS if margin > 0.1 else 1)
        width = place["w"] / COLUMNS - margin * (place["w"] / COLUMNS if margin > 0.1 else 1) - 0.01
        axes = figure.add_axes((left, bottom + 0.75 / (height + 1), width, (place["h"] - 1.7) / (height + 1)))
        axes.set_title(panel["title"], loc="left", fontsize=8)
        _panel(axes, panel, _answers(board, panel, reader, prometheus, chosen))
    return figure


def _answers(board: Json, panel: Json, reader: Reader, prometheus: str, chosen: Chosen) -> Any:
    """Series by name, or of a table its (columns, rows)."""
    series: dict[str, list[tuple[datetime, float]]] = {}
    for target in panel["targets"]:
        question = question_of(board, panel, target)
        if question.language == "promql":
            for found in ask_prometheus(
                prometheus, expand.promql(question.text, chosen), chosen, instant=question.instant
            ):
                pairs = found.get("values", [found.get("value")])
                points = [(datetime.fromtimestamp(at, UTC), float(value)) for at, value in pairs]
                series[_legend(target["legendFormat"], found["metric"])] = points
        else:
            answer = reader.ask(expand.sql(question.text, chosen))
            if target["format"] == "table":
                return answer.columns, answer.rows
            for at, name, value in answer.rows:
                series.setdefault(str(name), []).append((at, math.nan if value is None else float(value)))
    return series


def _legend(pattern: str, labels: Mapping[str, str]) -> str:
    for name, value in labels.items():
        pattern = pattern.replace("{{" + name + "}}", value)
    return pattern


def _panel(axes: Axes, panel: Json, found: Any) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    if isinstance(found, tuple):
        (_bars if panel["type"] == "bargauge" else _cells)(axes, panel, found)
    elif panel["type"] == "stat":
        _cells(axes, panel, (list(found), [[points[-1][1] for points in found.values()]]))
    elif panel["type"] == "bargauge":
        _bars(axes, panel, (["", ""], [(name, points[-1][1]) for name, points in found.items()]))
    elif panel["type"] in ("status-history", "state-timeline"):
        _strips(axes, panel, found)
    else:
        for name, points in found.items():
            axes.plot([at for at, _ in points], [value for _, value in points], label=name, lw=1)
        axes.tick_params(labelsize=6)
        axes.set_ylabel(SHORT.get(unit, ""), fontsize=6)
        axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))
        if len(found) <= 12:
            axes.legend(fontsize=5, frameon=False, ncols=2)


def _cells(axes: Axes, panel: Json, found: tuple[Sequence[str], Sequence[Sequence[Any]]]) -> None:
    columns, rows = found
    axes.axis("off")
    unit = panel["fieldConfig"]["defaults"]["unit"]
    if panel["type"] == "stat":
        words = [
            f"{_said(value, unit)}" + (f"\n{name}" if len(columns) > 1 else "")
            for name, value in zip(columns, rows[0], strict=True)
        ]
        axes.text(0.5, 0.45, "   ".join(words), ha="center", va="center", fontsize=15 if len(columns) == 1 else 8)
        return
    shown = [[_said(value, unit) for value in row] for row in rows[:8]]
    if shown:
        table = axes.table(cellText=shown, colLabels=list(columns), loc="upper center")
        table.auto_set_font_size(False)
        table.set_fontsize(5.5)


def _bars(axes: Axes, panel: Json, found: tuple[Sequence[str], Sequence[Sequence[Any]]]) -> None:
    names = [str(row[0]) for row in found[1]]
    values = [float(row[1]) for row in found[1]]
    axes.barh(names, values, color=[_colour(panel, value) for value in values])
    axes.invert_yaxis()
    axes.set_xlim(panel["fieldConfig"]["defaults"].get("min"), panel["fieldConfig"]["defaults"].get("max"))
    axes.tick_params(labelsize=6)


def _strips(axes: Axes, panel: Json, found: Series) -> None:
    """A row each, coloured from one moment to the next."""
    end = max((at for points in found.values() for at, _ in points), default=now())
    for row, name in enumerate(sorted(found)):
        points = found[name]
        for (at, value), (until, _) in zip(points, [*points[1:], (end, 0.0)], strict=True):
            left, right = float(dates.date2num(at)), float(dates.date2num(until))
            axes.barh(row, right - left, left=left, height=0.8, color=_colour(panel, value))
    axes.set_yticks(range(len(found)), sorted(found), fontsize=6)
    axes.xaxis_date()
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))
    axes.tick_params(labelsize=6)


def _colour(panel: Json, value: float) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    if mappings := defaults.get("mappings"):
        return str(mappings[0]["options"].get(str(int(value)), {"color": "white"})["color"])
    steps = defaults.get("thresholds", {"steps": [{"value": None, "color": "steelblue"}]})["steps"]
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return str(_HUES.get(reached[-1], reached[-1]))


def _said(value: Any, unit: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%m-%d %H:%M}"
    if isinstance(value, str | bool):
        return str(value)[:28]
    number = float(value)
    return f"{100 * number:.2f} %" if unit == "percentunit" else f"{number:,.4g} {SHORT.get(unit, '')}".strip()


if __name__ == "__main__":
    mpl.use("Agg")
    sys.exit(main())
