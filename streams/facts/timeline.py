"""A value that lasts until the next one is told, such as a crane's status or the call it is allocated to."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Timeline(Generic[Value]):
    """`first` holds before any change; `values[n]` from `times_us[n]` (epoch µs, in order) on."""

    first: Value
    times_us: Sequence[int]
    values: Sequence[Value]

    def at(self, time_us: int) -> Value:
        """The value at a moment."""
        known = bisect_right(self.times_us, time_us)
        return self.values[known - 1] if known else self.first

    def holds(self, value: Value, from_us: int, until_us: int) -> bool:
        """Whether `value` holds at any moment of [from_us, until_us)."""
        if from_us >= until_us:
            return False
        within = self.values[bisect_right(self.times_us, from_us) : bisect_left(self.times_us, until_us)]
        return self.at(from_us) == value or value in within
