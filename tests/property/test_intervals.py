"""The interval algebra against plain sets of minutes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.facts.intervals import Interval, attribution, clip, intersection, subtraction, total, union

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE = st.tuples(st.integers(0, 40), st.integers(-2, 12)).map(
    lambda pair: Interval(START + pair[0] * MINUTE, START + (pair[0] + pair[1]) * MINUTE)
)
SOME = st.lists(ONE, max_size=8)


def minutes(intervals: list[Interval]) -> set[int]:
    return {n for one in intervals for n in range((one.start - START) // MINUTE, (one.end - START) // MINUTE)}


def assert_is(found: list[Interval], expected: set[int]) -> None:
    assert minutes(found) == expected
    assert total(found) == len(expected) * MINUTE
    assert all(one.end < other.start for one, other in pairwise(found))
    assert all(one.start < one.end for one in found)


@given(SOME, SOME, ONE)
def test_the_algebra_is_that_of_sets(some: list[Interval], others: list[Interval], window: Interval) -> None:
    assert_is(union([*some, *others]), minutes(some) | minutes(others))
    assert_is(intersection(some, others), minutes(some) & minutes(others))
    assert_is(subtraction(some, others), minutes(some) - minutes(others))
    assert_is(clip(some, window), minutes(some) & minutes([window]))


@given(st.lists(SOME, max_size=4))
def test_every_moment_is_given_to_the_first_cause_that_covers_it(causes: list[list[Interval]]) -> None:
    parts = attribution([(str(n), found) for n, found in enumerate(causes)])
    taken: set[int] = set()
    for n, found in enumerate(causes):
        assert_is(parts[str(n)], minutes(found) - taken)
        taken |= minutes(found)
    assert sum((total(part) for part in parts.values()), timedelta()) == len(taken) * MINUTE
