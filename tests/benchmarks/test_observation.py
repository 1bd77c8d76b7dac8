"""Rates are taken between the end of start-up and the last commit."""

import pytest

from streams.cli.benchmark.observation import Observation, from_line, is_settled, rate


def test_rate_leaves_out_what_came_before_start_up_was_over() -> None:
    settled, last = Observation(10.0, {0: 600, 1: 400}), Observation(12.0, {0: 5_000, 1: 5_000})
    assert rate(settled, last) == pytest.approx(4_500)


def test_start_up_is_over_with_the_first_tenth() -> None:
    assert not is_settled(Observation(1.0, {0: 99}), 1_000)
    assert is_settled(Observation(1.0, {0: 60, 3: 40}), 1_000)


def test_an_observation_survives_the_pipe() -> None:
    seen = Observation(1234.5, {0: 7, 11: 3})
    assert from_line(seen.as_line()) == seen
