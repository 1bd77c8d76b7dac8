"""How far a contestant has visibly come, over time: what every rate and latency is computed from.

All clocks are CLOCK_MONOTONIC, which every process of a machine shares.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

SETTLED_SHARE = 0.1
"""The first tenth is start-up (first fetch, first chunk, cold caches) and counts for nobody."""
DONE_SHARE = 0.75
"""The last quarter does not count either: who reads ahead has as much in hand there as at the beginning."""


@dataclass(frozen=True, slots=True)
class Observation:
    """At monotonic time `at` (s), everything below `heads` (partition → next offset) was committed."""

    at: float
    heads: Mapping[int, int]

    @property
    def events(self) -> int:
        """Events committed, of a topic that starts at offset 0."""
        return sum(self.heads.values())

    def as_line(self) -> str:
        """For a pipe, without the line's end."""
        return json.dumps([self.at, sorted(self.heads.items())])


def from_line(line: str | bytes) -> Observation:
    """The observation behind `as_line`."""
    at, heads = json.loads(line)
    return Observation(float(at), dict(heads))


def rate(settled: Observation, last: Observation) -> float:
    """Events per second between two observations."""
    return (last.events - settled.events) / (last.at - settled.at)


def is_settled(seen: Observation, events: int) -> bool:
    """Whether start-up is over in a run of `events` events."""
    return seen.events >= SETTLED_SHARE * events


def is_done(seen: Observation, events: int) -> bool:
    """Whether enough of a run of `events` events is stored to judge its pace."""
    return seen.events >= DONE_SHARE * events
