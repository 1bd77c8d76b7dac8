"""The dead-letter bound against a list of every record that ever passed."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.bound import Bound
from streams.core.domain import Limits

BATCHES = st.lists(st.lists(st.booleans(), min_size=1, max_size=12), min_size=1, max_size=8)
LIMITS = st.builds(
    Limits,
    dead_letter_run=st.integers(1, 9),
    dead_letter_share=st.sampled_from([0.2, 0.5, 0.75, 1.0]),
    dead_letter_window=st.integers(1, 20),
)


def crossing_by_hand(before: list[bool], batch: list[bool], limits: Limits) -> int | None:
    """The count of records up to and with the first that makes the run too long or the share too large."""
    for position in range(len(batch)):
        seen = [*before, *batch[: position + 1]]
        run_is_full = len(seen) >= limits.dead_letter_run and all(seen[-limits.dead_letter_run :])
        share = sum(seen[-limits.dead_letter_window :])
        if run_is_full or share > limits.dead_letter_share * limits.dead_letter_window:
            return position + 1
    return None


def positions(batch: list[bool]) -> list[int]:
    return [i for i, is_poison in enumerate(batch) if is_poison]


@given(batches=BATCHES, limits=LIMITS)
def test_bound_is_crossed_where_counting_by_hand_says(batches: list[list[bool]], limits: Limits) -> None:
    bound, passed = Bound(limits), list[bool]()
    for batch in batches:
        expected = crossing_by_hand(passed, batch, limits)
        assert bound.crossing(positions(batch)) == expected
        if expected is not None:
            return
        bound.passed(len(batch), positions(batch))
        passed.extend(batch)


@given(batch=st.lists(st.booleans(), min_size=1, max_size=30), limits=LIMITS, cut=st.integers(0, 30))
def test_bound_does_not_depend_on_how_records_are_batched(batch: list[bool], limits: Limits, cut: int) -> None:
    whole = Bound(limits).crossing(positions(batch))
    parted = Bound(limits)
    first, second = batch[:cut], batch[cut:]
    crossing = parted.crossing(positions(first))
    if crossing is None:
        parted.passed(len(first), positions(first))
        later = parted.crossing(positions(second))
        crossing = None if later is None else len(first) + later
    assert crossing == whole


@given(poison=st.lists(st.integers(0, 30), unique=True).map(sorted), limits=LIMITS)
def test_asking_changes_nothing(poison: list[int], limits: Limits) -> None:
    bound = Bound(limits)
    assert bound.crossing(poison) == bound.crossing(poison)
