"""Numbered streams: which sequence numbers were accepted, kept as intervals, and the gaps between them.

A stream is (`source`, `bootid`, `subject`, `type`) and counts 1, 2, 3 … A number is in the intervals when
its event was accepted; a rejected number stays a gap that its replay can fill (contract section 9.1).
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

MAX_INTERVALS: Final = 1_000


class StreamKey(NamedTuple):
    """The identity of a numbered stream."""

    source: str
    bootid: str
    subject: str
    type: str

    @property
    def stream_id(self) -> UUID:
        """A 128-bit name of the key, the same everywhere (blake2b of the length-prefixed parts)."""
        return _stream_id(self)


@lru_cache(200_000)
def _stream_id(key: StreamKey) -> UUID:
    digest = hashlib.blake2b(digest_size=16)
    for part in key:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return UUID(bytes=digest.digest())


class Gap(NamedTuple):
    """Numbers from `start` to `end`, both missing, both included."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class StreamState:
    """What is stored of a stream: intervals as (from, to, from, to, …), and the version its next write expects.

    Version 0 = not stored yet. Numbers below `pruned_below` are no longer known here.
    """

    version: int = 0
    intervals: tuple[int, ...] = ()
    pruned_below: int = 0

    def gaps(self) -> set[Gap]:
        """The missing numbers below the highest one seen, as ranges; a stream starts at 1."""
        gaps = set()
        expected = max(1, self.pruned_below)
        for start, end in zip(self.intervals[::2], self.intervals[1::2], strict=True):
            if start > expected:
                gaps.add(Gap(expected, start - 1))
            expected = end + 1
        return gaps


class Seen:
    """A working copy of a stream's intervals while one batch is judged."""

    __slots__ = ("_before", "_bounds", "_pruned_below")

    def __init__(self, state: StreamState) -> None:
        self._before = state
        self._bounds = list(state.intervals)
        self._pruned_below = state.pruned_below

    def add(self, number: int) -> bool:
        """Take `number` in; False when it had been seen."""
        bounds = self._bounds
        if bounds and number == bounds[-1] + 1:
            bounds[-1] = number
            return True
        if not bounds:
            bounds.extend((number, number))
            return True
        return self._insert(number)

    def extend(self, first: int, last: int) -> bool:
        """Take in `first` to `last` at once; False, and nothing taken, when they do not just follow what was seen."""
        bounds = self._bounds
        if first < self._pruned_below or (bounds and first != bounds[-1] + 1):
            return False
        if bounds:
            bounds[-1] = last
        else:
            bounds.extend((first, last))
        return True

    def is_below_floor(self, number: int) -> bool:
        """Whether `number` was forgotten, so that only the stored rows can tell."""
        return number < self._pruned_below

    def _insert(self, number: int) -> bool:
        bounds = self._bounds
        # Interval i spans bounds[2i]..bounds[2i+1]; find the last one that starts at or before the number.
        # Bounds may repeat (an interval of one number), so only the starts are compared.
        index = bisect_right(range(len(bounds) // 2), number, key=lambda i: bounds[2 * i]) - 1
        if index >= 0 and number <= bounds[2 * index + 1]:
            return False
        joins_left = index >= 0 and bounds[2 * index + 1] == number - 1
        joins_right = 2 * index + 2 < len(bounds) and bounds[2 * index + 2] == number + 1
        if joins_left and joins_right:
            del bounds[2 * index + 1 : 2 * index + 3]
        elif joins_left:
            bounds[2 * index + 1] = number
        elif joins_right:
            bounds[2 * index + 2] = number
        else:
            bounds[2 * index + 2 : 2 * index + 2] = (number, number)
        return True

    def state(self) -> StreamState:
        """The state to store after the batch, one version up; the lowest intervals go when there are too many."""
        surplus = len(self._bounds) // 2 - MAX_INTERVALS
        kept = self._bounds
        floor = self._pruned_below
        if surplus > 0:
            floor = self._bounds[2 * surplus - 1] + 1
            kept = self._bounds[2 * surplus :]
        return StreamState(self._before.version + 1, tuple(kept), floor)

    @property
    def before(self) -> StreamState:
        return self._before


@dataclass(frozen=True, slots=True)
class StreamChange:
    """One stream's step from the stored state to the next."""

    key: StreamKey
    before: StreamState
    after: StreamState

    def opened(self) -> set[Gap]:
        """Gaps that were not there before."""
        return self.after.gaps() - self.before.gaps()

    def closed(self) -> Iterator[tuple[Gap, bool]]:
        """Gaps that are no more, each with whether it was filled whole (else it was narrowed or parted).

        A gap that only fell below the floor is neither: nobody knows of it here any more, so it stays open.
        """
        after = self.after.gaps()
        for gap in self.before.gaps() - after:
            if gap.end < self.after.pruned_below:
                continue
            yield gap, not any(g.start <= gap.end and gap.start <= g.end for g in after)
