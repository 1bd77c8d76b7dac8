"""Lanes: which positions each has still to read, through starts, demotions and failures."""

import pytest

from connectors.edge.lanes import Lanes, Pace


def test_what_was_there_at_the_start_is_backlog() -> None:
    lanes = Lanes(10)
    assert lanes.span("backlog", 12) == (1, 10)
    assert lanes.span("live", 12) == (11, 12)


def test_what_waits_too_long_becomes_backlog_and_the_next_is_live() -> None:
    lanes = Lanes(0)
    lanes.pass_by("live", 5)
    lanes.demote(9)
    assert lanes.span("backlog", 9) == (6, 9)
    assert lanes.span("live", 11) == (10, 11)


def test_backlog_that_is_not_through_goes_on_where_it_was() -> None:
    lanes = Lanes(10)
    lanes.pass_by("backlog", 4)
    lanes.pass_by("live", 15)
    lanes.demote(20)
    assert lanes.span("backlog", 20) == (5, 20)


def test_what_failed_is_read_again_from_the_lowest() -> None:
    lanes = Lanes(10)
    lanes.pass_by("backlog", 10)
    lanes.pass_by("live", 30)
    lanes.come_back_to([25, 7, 26], 31)
    assert lanes.span("backlog", 31) == (7, 31)
    assert lanes.span("live", 31) == (32, 31)


def test_pace_is_kept_and_a_pause_does_not_save_up() -> None:
    pace = Pace(1_000)
    assert pace.allowance(0.0) == 0
    assert pace.allowance(0.05) == 50
    pace.spend(50)
    assert pace.allowance(0.06) == pytest.approx(10, abs=1)
    assert pace.allowance(60.0) == 100
