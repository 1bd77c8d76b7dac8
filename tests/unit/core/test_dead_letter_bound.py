"""The dead-letter bound with the limits of the contract: 5,000 in a row, or more than half of 100,000."""

from collections.abc import Iterable

import pytest

from streams.core.bound import Bound
from streams.core.domain import Limits

BATCH = 20_000
RUN = Limits().dead_letter_run


def fed(bound: Bound, poison: Iterable[int], records: int = BATCH, times: int = 1) -> Bound:
    positions = list(poison)
    for _ in range(times):
        assert bound.crossing(positions) is None
        bound.passed(records, positions)
    return bound


def test_run_is_crossed_by_its_last_record_exactly() -> None:
    assert Bound(Limits()).crossing(range(RUN - 1)) is None
    assert Bound(Limits()).crossing(range(RUN + 100)) == RUN


def test_run_goes_on_over_batches() -> None:
    bound = fed(Bound(Limits()), range(BATCH - 3_000, BATCH))
    assert bound.crossing(range(1_999)) is None
    assert bound.crossing(range(2_500)) == 2_000


def test_run_ends_with_one_good_record() -> None:
    bound = fed(Bound(Limits()), range(BATCH - 4_999, BATCH))
    assert bound.crossing(range(1, 4_999)) is None


def test_run_goes_on_through_a_batch_that_is_all_poison() -> None:
    bound = fed(Bound(Limits()), range(100), records=100, times=49)
    assert bound.crossing(range(99)) is None
    assert bound.crossing(range(100)) == 100


@pytest.mark.parametrize("percent", [30, 42, 50])
def test_share_up_to_half_is_never_crossed(percent: int) -> None:
    spread = [position for position in range(BATCH) if position % 100 < percent]
    fed(Bound(Limits()), spread, times=12)


def test_share_above_half_is_crossed() -> None:
    spread = [position for position in range(BATCH) if position % 100 < 51]
    bound = Bound(Limits())
    for _ in range(4):
        fed(bound, spread)
    crossing = bound.crossing(spread)
    assert crossing is not None
    passed = sum(position < crossing for position in spread)
    assert 4 * len(spread) + passed == 50_001


def test_share_needs_more_than_half_of_a_full_window() -> None:
    """49 % of the first 1,000 records are no reason to stop, nor is every second of few."""
    assert Bound(Limits()).crossing(range(0, 1_000, 2)) is None


def test_old_poison_is_forgotten() -> None:
    bound = Bound(Limits())
    dense = [position for position in range(BATCH) if position % 100 < 80]
    fed(bound, dense, times=3)
    fed(bound, [], times=5)
    assert bound.crossing(dense) is None
