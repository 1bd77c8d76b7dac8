"""What good radio does: cycles of the same machine, job kind and mode, and how long they stand still by themselves.

Medians and median deviations: one very long cycle moves neither.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, NamedTuple

from schemas.attribution import METHOD, Method
from streams.attribution.motion import Run
from streams.attribution.work import Cycle

_TO_SIGMA: Final = 1.4826  # of a median absolute deviation, where the values are normal


class Match(NamedTuple):
    """Good cycles a cycle is compared with: how long they take, how far they spread, how many, and what they share."""

    median_s: float
    spread_s: float
    n: int
    by: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """`takes` and `stands` by what they share, from the narrowest to the widest, each list sorted."""

    takes: Mapping[tuple[str, ...], Sequence[float]] = field(default_factory=dict)
    stands: Mapping[tuple[object, ...], Sequence[float]] = field(default_factory=dict)
    longest: Mapping[tuple[object, ...], Sequence[float]] = field(default_factory=dict)
    least: int = METHOD.least_matches

    def match(self, cycle: Cycle) -> Match | None:
        """The narrowest group with enough good cycles, or None."""
        for key in _groups(cycle):
            takes = self.takes.get(key, ())
            if len(takes) >= self.least:
                return Match(*middle_and_spread(takes), len(takes), " ".join(key) or "all")
        return None

    def naturally(self, cycle: Cycle, phase: tuple[bool, bool]) -> Sequence[float]:
        """How long such a cycle's standstills of this phase last with good radio, sorted."""
        return self._found(self.stands, cycle, phase)

    def longest_of(self, cycle: Cycle, phase: tuple[bool, bool]) -> Sequence[float]:
        """The longest standstill of this phase of each such cycle, sorted."""
        return self._found(self.longest, cycle, phase)

    def _found(
        self, among: Mapping[tuple[object, ...], Sequence[float]], cycle: Cycle, phase: tuple[bool, bool]
    ) -> Sequence[float]:
        found: Sequence[float] = ()
        for key in _groups(cycle):
            found = among.get((phase, *key), ())
            if len(found) >= self.least:
                return found
        return found


def baseline_of(good: Iterable[tuple[Cycle, float, Sequence[Run]]], method: Method = METHOD) -> Baseline:
    """From good-radio cycles: each with the seconds it worked, and its runs."""
    takes: dict[tuple[str, ...], list[float]] = {}
    stands: dict[tuple[object, ...], list[float]] = {}
    longest: dict[tuple[object, ...], list[float]] = {}
    for cycle, worked_s, runs in good:
        for key in _groups(cycle):
            takes.setdefault(key, []).append(worked_s)
            for run in runs:
                stands.setdefault((run.phase, *key), []).append(run.length_s)
            for phase in {run.phase for run in runs}:
                found = max(run.length_s for run in runs if run.phase == phase)
                longest.setdefault((phase, *key), []).append(found)
    return Baseline(_sorted(takes), _sorted(stands), _sorted(longest), method.least_matches)


def held(natural: Sequence[float], before_s: float, after_s: float, window_s: float) -> tuple[float, float]:
    """How likely a standstill was held by an episode it ended right after, and how long it would have lasted else.

    It was `before_s` old when the episode began and `after_s` when it ended; it ended within `window_s` of that. By
    the good standstills older than `before_s` (Bayes' rule with those ended meanwhile against those ended just then,
    half a one added to either so that few are not certain): 0 where none ever gets so old.
    """
    alive, ended = bisect_right(natural, before_s), bisect_right(natural, after_s)
    if before_s > 0 and alive == len(natural):
        return 0.0, 0.0
    by_chance = bisect_right(natural, after_s + window_s) - ended
    meanwhile = natural[alive:ended]
    likely = (len(meanwhile) + 0.5) / (len(meanwhile) + by_chance + 1) if natural else 1.0
    return likely, sum(meanwhile) / len(meanwhile) if meanwhile else before_s


def middle_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """The median, and the median absolute deviation as a standard deviation."""
    middle = median(values)
    return middle, _TO_SIGMA * median(abs(value - middle) for value in values)


def _sorted(values: Mapping[Any, list[float]]) -> dict[Any, list[float]]:
    return {key: sorted(found) for key, found in values.items()}


def _groups(cycle: Cycle) -> tuple[tuple[str, ...], ...]:
    kind, mode = cycle.kind or "any", cycle.mode or "any"
    return ((kind, mode), (kind,), ())
