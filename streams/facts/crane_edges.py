"""Edges of the spreader's flags: a flag counts when it holds for two samples that say so, or for 300 ms.

What is shorter is chatter of a switch and changes nothing. An edge is placed where its run begins.
"""

from typing import Final, NamedTuple

import numpy as np

from streams.facts.crane_samples import Codes, Times

HOLDS_SAMPLES: Final = 2
HOLDS_US: Final = 300_000


class Edge(NamedTuple):
    """At row `at` of a track flags changed: to False (0), to True (1), or not (-1)."""

    at: int
    landed: int
    locked: int


def edges(time_us: Times, landed: Codes, locked: Codes, before: tuple[int, int]) -> list[Edge]:
    """All changes in order. `landed` and `locked` are -1 where not said; `before` is what held before the first row.

    The last run counts as long as it has been seen; more samples confirm edges and never take one back.
    """
    merged: dict[int, list[int]] = {}
    for which, (said, was) in enumerate(zip((landed, locked), before, strict=True)):
        for at, value in _settled(time_us, said, was):
            merged.setdefault(at, [-1, -1])[which] = value
    return [Edge(at, *merged[at]) for at in sorted(merged)]


def _settled(time_us: Times, said: Codes, was: int) -> list[tuple[int, int]]:
    spoken = np.flatnonzero(said >= 0)
    if not spoken.size:
        return []
    values = said[spoken]
    first = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    starts = spoken[first]
    ends_us = np.append(time_us[starts[1:]], time_us[-1])
    holds = (np.diff(np.append(first, len(values))) >= HOLDS_SAMPLES) | (ends_us - time_us[starts] >= HOLDS_US)
    found = []
    for at, value in zip(starts[holds].tolist(), values[first][holds].tolist(), strict=True):
        if value != was:
            found.append((at, value))
            was = value
    return found
