"""Stretches of time [from, until) in epoch seconds, sorted and apart from each other."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """[from_s, until_s)."""

    from_s: float
    until_s: float

    @property
    def length_s(self) -> float:
        return self.until_s - self.from_s


def joined(spans: Iterable[Span], gap_s: float = 0.0) -> list[Span]:
    """Spans that touch, or are nearer than `gap_s`, as one; the spans come in order of their starts."""
    found: list[Span] = []
    for span in spans:
        if found and span.from_s - found[-1].until_s <= gap_s:
            found[-1] = Span(found[-1].from_s, max(found[-1].until_s, span.until_s))
        else:
            found.append(span)
    return found


def shared(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The time that is in both."""
    found, i, j = [], 0, 0
    while i < len(some) and j < len(others):
        span = Span(max(some[i].from_s, others[j].from_s), min(some[i].until_s, others[j].until_s))
        if span.length_s > 0:
            found.append(span)
        if some[i].until_s < others[j].until_s:
            i += 1
        else:
            j += 1
    return found


def without(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The time that is in the first alone."""
    found = []
    for span in some:
        from_s = span.from_s
        for other in others:
            if other.until_s <= from_s or other.from_s >= span.until_s:
                continue
            if other.from_s > from_s:
                found.append(Span(from_s, other.from_s))
            from_s = max(from_s, other.until_s)
        if from_s < span.until_s:
            found.append(Span(from_s, span.until_s))
    return found


def total_s(spans: Iterable[Span]) -> float:
    """How long they are together."""
    return sum(span.length_s for span in spans)
