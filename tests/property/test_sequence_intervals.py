"""Sequence intervals against a plain set of numbers."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.core.sequence import MAX_INTERVALS, Gap, Seen, StreamChange, StreamKey, StreamState

KEY = StreamKey("/gw", "boot-1", "VNHPH-TANVU-STS01", "io.quaystream.crane.sample.v1")
NUMBERS = st.integers(0, 40) | st.integers(0, 2**63 - 1)
BATCH = st.lists(NUMBERS, max_size=30)
NEARLY_FULL = tuple(bound for n in range(MAX_INTERVALS - 3) for bound in (10 + 10 * n, 13 + 10 * n))


def state_of(numbers: set[int], floor: int = 0) -> StreamState:
    """The state that holds exactly these numbers."""
    bounds: list[int] = []
    for number in sorted(numbers):
        if bounds and number == bounds[-1] + 1:
            bounds[-1] = number
        else:
            bounds.extend((number, number))
    return StreamState(1, tuple(bounds), floor)


def gaps_of(numbers: set[int], floor: int = 0) -> set[Gap]:
    """Every run of numbers from 1 (or the floor) to the highest that is not there."""
    gaps, expected = set(), max(1, floor)
    for number in sorted(numbers):
        if number > expected:
            gaps.add(Gap(expected, number - 1))
        expected = max(expected, number + 1)
    return gaps


def after(state: StreamState, batch: list[int]) -> StreamState:
    seen = Seen(state)
    for number in batch:
        seen.add(number)
    return seen.state()


def missing(gaps: set[Gap]) -> int:
    return sum(gap.end - gap.start + 1 for gap in gaps)


@given(known=st.sets(NUMBERS, max_size=30), batch=BATCH)
def test_number_is_new_exactly_when_the_set_did_not_have_it(known: set[int], batch: list[int]) -> None:
    seen, numbers = Seen(state_of(known)), set(known)
    for number in batch:
        assert seen.add(number) == (number not in numbers)
        numbers.add(number)
    assert seen.state() == StreamState(2, state_of(numbers).intervals, 0)


@given(known=st.sets(NUMBERS, max_size=30), batch=BATCH)
def test_intervals_never_touch_and_ascend(known: set[int], batch: list[int]) -> None:
    bounds = after(state_of(known), batch).intervals
    pairs = list(zip(bounds[::2], bounds[1::2], strict=True))
    assert all(start <= end for start, end in pairs)
    assert all(end + 1 < start for (_, end), (start, _) in pairwise(pairs))


@given(batch=BATCH, order=st.randoms(use_true_random=False))
def test_order_of_numbers_does_not_matter(batch: list[int], order: random.Random) -> None:
    shuffled = list(batch)
    order.shuffle(shuffled)
    assert after(StreamState(), shuffled) == after(StreamState(), batch)


@given(st.sets(NUMBERS, max_size=30))
def test_gaps_are_what_the_set_lacks(numbers: set[int]) -> None:
    assert state_of(numbers).gaps() == gaps_of(numbers)


@given(known=st.sets(NUMBERS, max_size=30), batch=BATCH)
def test_change_opens_and_closes_what_differs(known: set[int], batch: list[int]) -> None:
    change = StreamChange(KEY, state_of(known), after(state_of(known), batch))
    before, later = gaps_of(known), gaps_of(known | set(batch))
    assert change.opened() == later - before
    assert {gap for gap, _ in change.closed()} == before - later


@given(known=st.sets(NUMBERS, max_size=30), batch=BATCH)
def test_gap_is_filled_when_none_of_it_is_missing(known: set[int], batch: list[int]) -> None:
    change = StreamChange(KEY, state_of(known), after(state_of(known), batch))
    for gap, is_filled in change.closed():
        left = [g for g in gaps_of(known | set(batch)) if g.start <= gap.end and gap.start <= g.end]
        assert is_filled == (not left)


@given(known=st.sets(NUMBERS, max_size=30), batch=BATCH)
def test_open_gaps_always_count_the_missing_numbers(known: set[int], batch: list[int]) -> None:
    """What the store keeps open, step by step, is what is missing in the end."""
    change = StreamChange(KEY, state_of(known), after(state_of(known), batch))
    kept = (gaps_of(known) - {gap for gap, _ in change.closed()}) | change.opened()
    assert missing(kept) == missing(gaps_of(known | set(batch)))


@given(batch=st.lists(st.integers(0, 10 * MAX_INTERVALS + 200), min_size=1, max_size=30))
def test_too_many_intervals_lose_the_lowest(batch: list[int]) -> None:
    full = StreamState(7, NEARLY_FULL, 0)
    numbers = {n for start, end in zip(NEARLY_FULL[::2], NEARLY_FULL[1::2], strict=True) for n in range(start, end + 1)}
    whole = state_of(numbers | set(batch)).intervals
    state = after(full, batch)
    assert len(state.intervals) <= 2 * MAX_INTERVALS
    assert state.intervals == whole[len(whole) - len(state.intervals) :]
    lost = whole[: len(whole) - len(state.intervals)]
    assert state.pruned_below == (lost[-1] + 1 if lost else 0)


@given(batch=st.lists(st.integers(0, 10 * MAX_INTERVALS + 200), min_size=1, max_size=30), number=st.integers(0, 300))
def test_number_below_the_floor_is_unknown_and_above_it_is_not(batch: list[int], number: int) -> None:
    state = after(StreamState(7, NEARLY_FULL, 0), batch)
    seen = Seen(state)
    assert seen.is_below_floor(number) == (number < state.pruned_below)


@given(batch=st.lists(st.integers(0, 10 * MAX_INTERVALS + 200), min_size=1, max_size=30))
def test_pruning_closes_no_gap(batch: list[int]) -> None:
    """A gap nobody can watch any more was not filled: its numbers never came."""
    full = StreamState(7, NEARLY_FULL, 0)
    closed = {gap for gap, is_filled in StreamChange(KEY, full, after(full, batch)).closed() if is_filled}
    assert all(set(range(gap.start, gap.end + 1)) <= set(batch) for gap in closed)


def test_stream_id_depends_on_where_its_parts_end() -> None:
    assert StreamKey("ab", "c", "d", "e").stream_id != StreamKey("a", "bc", "d", "e").stream_id


def test_stream_id_is_the_same_in_every_process() -> None:
    assert str(KEY.stream_id) == "fc08f8e0-0409-8759-c7d5-e38ebeed1fb0"
