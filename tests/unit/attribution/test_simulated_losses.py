"""Precision and recall over simulated hours whose truth is known, from several seeds that nothing was tuned to."""

import pytest

from streams.attribution.daily import interval
from tests.support.attribution import attributed, score

SEEDS = (20, 21, 22, 23, 24)
QUIET_SEEDS = (30,)


def test_what_the_radio_cost_is_found_and_little_else() -> None:
    scores = {seed: score(*attributed("radio_fades", seed)) for seed in SEEDS}
    for seed, one in scores.items():
        print(f"seed {seed}: {one}")
    right, wrong, missed = (sum(getattr(one, name) for one in scores.values()) for name in ("right", "wrong", "missed"))
    precision, recall = right / (right + wrong), right / (right + missed)
    print(f"all: precision {precision:.3f}, recall {recall:.3f}")
    assert right + missed > 150
    assert precision >= 0.9
    assert recall >= 0.8


def test_the_seconds_lost_add_up_to_about_the_true_ones() -> None:
    scores = [score(*attributed("radio_fades", seed)) for seed in SEEDS]
    found_s, true_s = sum(one.lost_s for one in scores), sum(one.true_lost_s for one in scores)
    assert 0.7 * true_s < found_s < 1.1 * true_s


@pytest.mark.parametrize("scenario", ["radio_quiet", "radio_fades_idle"])
def test_where_no_fade_hinders_work_no_loss_stands_above_its_interval(scenario: str) -> None:
    for seed in QUIET_SEEDS:
        found, truth = attributed(scenario, seed)
        assert not truth.get("slowed")
        for crane, losses in found.items():
            low, _ = interval([loss.moves for loss in losses])
            assert low == 0.0, (seed, crane)
            assert sum(loss.moves for loss in losses) < 0.1
