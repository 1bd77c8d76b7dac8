"""What a fold changes against what is stored: nothing for the same, no restatement for what had not ended."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.facts import CRANE_CYCLE, VESSEL_CALL
from streams.facts.fact import OPEN, Fact
from streams.facts.restate import Changes, Stored, coincides, compare, same

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CALL: dict[str, Any] = {
    **dict.fromkeys(VESSEL_CALL.column_names),
    "call_id": "CALL-1",
    "site": "VNHPH-TANVU",
    "imo": "9074729",
    "expected": {"all_fast": 1.0},
    "outcome": "complete",
}


def stored(**values: Any) -> Stored:
    told = {**CALL, **values}
    return Stored(told["call_id"], told, 1, NOW)


def fact(**values: Any) -> Fact:
    told = {**CALL, **values}
    return Fact("vessel_call", told["call_id"], told)


def test_the_same_changes_nothing() -> None:
    assert compare(VESSEL_CALL, [stored(berth_s=0.1 + 0.2)], [fact(berth_s=0.3)]).is_empty


def test_what_nobody_had_told_is_new() -> None:
    assert compare(VESSEL_CALL, [], [fact()]) == Changes(new=(fact(),))


def test_what_had_ended_is_restated() -> None:
    before, after = stored(berth_s=1.0), fact(berth_s=2.0)
    assert compare(VESSEL_CALL, [before], [after]) == Changes(restated=((before, after),))


@pytest.mark.parametrize("change", [{"expected": {"all_fast": 2.0}}, {"berth": "B2"}, {"berth_s": 1.0}])
def test_any_column_that_differs_is_a_change(change: dict[str, Any]) -> None:
    assert len(compare(VESSEL_CALL, [stored()], [fact(**change)]).restated) == 1


def test_what_was_open_goes_on() -> None:
    assert compare(VESSEL_CALL, [stored(outcome=OPEN)], [fact()]) == Changes(progressed=(fact(),))


def test_what_nothing_supports_is_withdrawn() -> None:
    assert compare(VESSEL_CALL, [stored()], []) == Changes(withdrawn=(stored(),))


def test_a_fold_that_gives_a_key_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        compare(VESSEL_CALL, [], [fact(), fact()])


def test_what_is_carried_on_is_kept_without_a_restatement() -> None:
    cycle = {**dict.fromkeys(CRANE_CYCLE.column_names), "cycle_id": "C/1", "outcome": "complete"}
    before = Stored("C/1", {**cycle, "state": {"time_us": 1}}, 1, NOW)
    after = Fact("crane_cycle", "C/1", {**cycle, "state": {"time_us": 2}})
    assert compare(CRANE_CYCLE, [before], [after]) == Changes(carried=(after,))
    assert same(CRANE_CYCLE, before.values, after.values)
    assert not coincides(CRANE_CYCLE, before.values, after.values)
