"""Crane cycles: what a flag needs to count, what a fact says, and what the state is good for."""

from typing import Any

import pytest

from schemas.facts import CRANE_CYCLE
from streams.facts.crane_cycle import fold_rows
from streams.facts.crane_samples import Samples
from tests.support.crane_trace import CRANE, FIRST, changes_only, job, lift, sampled

TWO = [(0.0, FIRST), *lift(0), *lift(130)]


def folded(samples: list[Any], *jobs: Any) -> list[dict[str, Any]]:
    rows = {"port.crane_sample": samples, "port.crane_job": [row for told in jobs for row in told]}
    return [dict(fact.values) for fact in fold_rows(CRANE, rows)]


def test_a_fact_has_every_column_of_its_table() -> None:
    assert [tuple(one) for one in folded(sampled(TWO, 270))] == [CRANE_CYCLE.column_names] * 2


def test_a_flag_that_flickers_for_one_short_sample_is_no_edge() -> None:
    flicker = [(60.0, {"spreader_locked": False}), (60.1, {"spreader_locked": True})]
    script = sorted([*TWO, *flicker], key=lambda told: told[0])
    assert [one["outcome"] for one in folded(changes_only([*script, (270.0, {"load_t": 12.0})]))] == ["gap", "counted"]


def test_an_unlock_that_has_just_come_does_not_count_yet() -> None:
    assert folded(sampled(TWO, 93.0)) == []
    assert len(folded(sampled(TWO, 94.0))) == 1


def test_a_minute_without_samples_is_a_gap() -> None:
    quiet = [row for row in sampled(TWO, 270) if not 97 < (row["time"].minute * 60 + row["time"].second) < 159]
    assert [one["outcome"] for one in folded(quiet)] == ["gap", "gap"]


@pytest.mark.parametrize(
    ("mode", "length_ft", "boxes", "teu"),
    [
        ("single", 20, 1, 1.0),
        ("single", 30, 1, 1.5),
        ("single", 40, 1, 2.0),
        ("single", 45, 1, 2.25),
        ("twin", 20, 2, 2.0),
        ("tandem", 40, 2, 4.0),
    ],
)
def test_boxes_and_teu_follow_the_spreader(mode: str, length_ft: int, boxes: int, teu: float) -> None:
    lifted = [(0.0, FIRST), *lift(0, spreader_mode=mode, spreader_length_ft=length_ft)]
    assert [(one["boxes"], one["teu"]) for one in folded(sampled(lifted, 100))] == [(boxes, teu)]


def test_a_tandem_lift_whose_job_says_four_boxes_is_a_quad() -> None:
    lifted = [(0.0, FIRST), *lift(0, spreader_mode="tandem", spreader_length_ft=20)]
    found = folded(sampled(lifted, 100), job("J1", 30, 93, boxes=4))
    assert [(one["mode"], one["boxes"], one["teu"]) for one in found] == [("quad", 4, 4.0)]


def test_a_crane_without_a_load_cell_is_judged_by_its_hoist() -> None:
    blind = [{name: value for name, value in row.items() if name != "load_t"} for row in sampled(TWO, 270)]
    assert [(one["outcome"], one["load_t_max"]) for one in folded(blind)] == [("gap", None), ("counted", None)]


def test_nothing_comes_of_no_samples() -> None:
    assert folded([]) == []


def test_a_state_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 0"):
        fold_rows(CRANE, {}, {"version": 0})


def test_samples_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order of time"):
        Samples.of_rows(sampled(TWO, 10)[::-1])
