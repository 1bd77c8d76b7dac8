"""The verdict of a soak, from its samples alone: slopes, and what grew. Pure.

Slopes are Theil-Sen: the median of the slopes between every two samples, which single peaks do not move. The first quarter is
left out: buffers and caches fill.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median
from typing import Final

MEGABYTE: Final = 1_000_000
WARM_UP: Final = 0.25
# A shorter span cannot tell a megabyte an hour from what a collector leaves behind.
JUDGED_FROM_H: Final = 0.5
# Pools, and a scrape or a chore that is under way while it is counted.
SLACK: Final[Mapping[str, float]] = {"open_files": 6, "connections": 4, "tasks": 6, "temp_tables": 2}
MOST_RSS_PER_H: Final = 1.0 * MEGABYTE
MOST_LATENCY: Final = 1.5


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one process. `age_s`: mean age of what it stored since the last look; None where nothing, or a fault was on.

    `pid` tells its lives apart: what was started again in between is shown, and not judged.
    """

    process: str
    at_s: float
    values: Mapping[str, float]
    age_s: float | None = None
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one figure of one process. `ok` is None where that cannot be said."""

    process: str
    figure: str
    first: float
    last: float
    per_hour: float
    ok: bool | None

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {name: getattr(self, name) for name in self.__slots__}


def judge(samples: Sequence[Sample]) -> list[Line]:
    """Every figure of every process."""
    lines = []
    for process in sorted({sample.process for sample in samples}):
        mine = [sample for sample in samples if sample.process == process]
        figures = sorted({figure for sample in mine for figure in sample.values})
        made = [_line(process, figure, _points(mine, figure)) for figure in figures]
        ages = [(sample.at_s / 3_600, sample.age_s) for sample in mine if sample.age_s is not None]
        if len(ages) >= 6:
            made.append(_latency(process, ages))
        has_one_life = len({sample.pid for sample in mine}) == 1
        lines += made if has_one_life else [replace(line, ok=None) for line in made]
    return lines


def failures(lines: Sequence[Line]) -> Iterator[str]:
    """What must not be, in words."""
    for line in lines:
        if line.ok is False:
            grew = f"from {line.first:,.4g} to {line.last:,.4g}, {line.per_hour:+,.4g} an hour"
            yield f"{line.process}: {line.figure} grew {grew}"


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Per unit of the first coordinate; 0 for fewer than two different ones."""
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t != s]
    return median(slopes) if slopes else 0.0


def _points(samples: Sequence[Sample], figure: str) -> list[tuple[float, float]]:
    points = [(sample.at_s / 3_600, sample.values[figure]) for sample in samples if figure in sample.values]
    return points[int(len(points) * WARM_UP) :]


def _line(process: str, figure: str, points: Sequence[tuple[float, float]]) -> Line:
    first, last = _ends(points)
    per_hour = slope(points)
    ok: bool | None
    if figure == "rss_bytes":
        span_h = points[-1][0] - points[0][0]
        ok = per_hour <= MOST_RSS_PER_H if span_h >= JUDGED_FROM_H else None
    else:
        ok = last - first <= SLACK[figure]
    return Line(process, figure, first, last, per_hour, ok)


def _latency(process: str, ages: Sequence[tuple[float, float]]) -> Line:
    first, last = _ends(ages)
    return Line(process, "age_s", first, last, slope(ages), last <= max(MOST_LATENCY * first, first + 0.1))


def _ends(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The medians of the first and the last third."""
    third = max(1, len(points) // 3)
    return median(value for _, value in points[:third]), median(value for _, value in points[-third:])
