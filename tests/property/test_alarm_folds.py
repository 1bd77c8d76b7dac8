"""Alarms and heartbeats in any order, told again and again, end in the same facts; and those are what a plain reading says."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.facts import cell_alarm

START = datetime(2026, 3, 1, tzinfo=UTC)
CELL = "VNHPH-TANVU-CELL01"
KEY = f"VNHPH-TANVU/{CELL}"
WINDOW_S = 300
Told = Sequence[tuple[int, str]]

# Gaps around the flap window and the three intervals of a heartbeat every 30 s.
gaps = st.sampled_from([0, 1, 29, 30, 89, 90, 91, 150, 299, 300, 301, 400, 4_000])
severities = st.sampled_from(["warning", "minor", "major", "critical", "cleared", "cleared", "cleared"])
histories = st.lists(st.tuples(gaps, severities), max_size=40)
hearts = st.lists(gaps, max_size=40)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def alarm_rows(told: Told) -> list[dict[str, Any]]:
    named = {"condition": "c", "interface": None, "specific_problem": None}
    known = {"cell_id": CELL, "source": "/ems", "alarm_id": "A", **named}
    return [
        {**known, "time": at(second), "severity": severity, "probable_cause": None, "event_id": f"{n:04d}"}
        for n, (second, severity) in enumerate(told)
    ]


def beat_rows(seconds: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {"time": at(s), "cell_id": CELL, "source": "/ems", "interval_s": 30.0, "event_id": f"{n:04d}"}
        for n, s in enumerate(seconds)
    ]


def summed(steps: Sequence[int]) -> list[int]:
    return [sum(steps[: n + 1]) for n in range(len(steps))]


def folded(rows: Mapping[str, list[dict[str, Any]]], as_of: datetime) -> list[Mapping[str, Any]]:
    return [fact.values for fact in cell_alarm.fold(KEY, rows, as_of)]


@given(histories, hearts, st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(history: Sequence[tuple[int, str]], steps: list[int], dice: Random) -> None:
    seconds = summed([gap for gap, _ in history])
    rows = {
        cell_alarm.ALARMS: alarm_rows([(s, severity) for s, (_, severity) in zip(seconds, history, strict=True)]),
        cell_alarm.HEARTBEATS: beat_rows(summed(steps)),
    }
    as_of = at(200_000)
    expected = folded(rows, as_of)
    mixed = {table: some + dice.sample(some, len(some) // 2) for table, some in rows.items()}
    for some in mixed.values():
        dice.shuffle(some)
    assert folded(mixed, as_of) == expected


@given(histories)
def test_an_alarm_is_active_exactly_while_it_was_last_told_so(history: Sequence[tuple[int, str]]) -> None:
    """Second by second: after each event the alarm is on unless that event was a clear."""
    seconds = summed([gap + 1 for gap, _ in history])  # no two at one moment
    told = [(s, severity) for s, (_, severity) in zip(seconds, history, strict=True)]
    facts = folded({cell_alarm.ALARMS: alarm_rows(told)}, at(0))
    active = sum(b[0] - a[0] for a, b in itertools.pairwise(told) if a[1] != "cleared")
    is_on = bool(told) and told[-1][1] != "cleared"
    last_raise = next((f["last_raised_at"] for f in facts if f["outcome"] == "open"), None)
    counted = sum(fact["active_s"] for fact in facts)
    if is_on:
        assert last_raise is not None
        counted += (at(told[-1][0]) - last_raise).total_seconds()
    assert counted == active
    assert sum(f["outcome"] == "open" for f in facts) == is_on
    # Each raise of what was off is a new alarm, or a flap of one that was raised and cleared not long before.
    raises = sum(s != "cleared" and (n == 0 or told[n - 1][1] == "cleared") for n, (_, s) in enumerate(told))
    assert sum(fact["raised_at"] is not None for fact in facts) + sum(fact["flaps"] for fact in facts) == raises


@given(hearts)
def test_silence_adds_up_to_what_lies_beyond_three_intervals(steps: list[int]) -> None:
    seconds = summed(steps)
    facts = folded({cell_alarm.HEARTBEATS: beat_rows(seconds)}, at(seconds[-1] + 90 if seconds else 0))
    gaps_s = [b - a for a, b in itertools.pairwise(seconds)]
    assert sum(fact["active_s"] for fact in facts) == sum(gap - 90 for gap in gaps_s if gap > 90)
    assert len(facts) + sum(fact["flaps"] for fact in facts) == sum(gap > 90 for gap in gaps_s)
    assert {fact["origin"] for fact in facts} <= {"heartbeat"}


@given(hearts)
def test_an_alarm_that_flaps_is_never_quiet_for_longer_than_the_window(steps: list[int]) -> None:
    told = [(s, "minor" if n % 2 == 0 else "cleared") for n, s in enumerate(summed([step + 1 for step in steps]))]
    facts = folded({cell_alarm.ALARMS: alarm_rows(told)}, at(0))
    pauses = [b[0] - a[0] for a, b in itertools.pairwise(told) if a[1] == "cleared"]
    assert sum(fact["flaps"] for fact in facts) == sum(pause <= WINDOW_S for pause in pauses)


identities = st.tuples(st.sampled_from("AB"), st.sampled_from("xy"), st.sampled_from(["raise", "raise", "clear"]))


@given(st.lists(st.tuples(gaps, identities), max_size=40))
def test_a_clear_goes_to_the_alarm_raised_under_its_id(history: list[tuple[int, tuple[str, str, str]]]) -> None:
    """Read plainly: under this id, the same condition if it was ever raised, or else the last raised, or else its own words."""
    seconds = summed([gap + 1 for gap, _ in history])  # no two at one moment
    rows, expected = [], []
    for n, (second, (alarm_id, condition, what)) in enumerate(zip(seconds, (told for _, told in history), strict=True)):
        (row,) = alarm_rows([(second, "cleared" if what == "clear" else "minor")])
        rows.append({**row, "event_id": f"{n:04d}", "alarm_id": alarm_id, "condition": condition})
        raised = [told[1] for _, told in history[:n] if told[0] == alarm_id and told[2] == "raise"]
        expected.append(condition if what == "raise" or condition in raised or not raised else raised[-1])
    assert [identity.condition for identity, _ in cell_alarm.identified(reversed(rows))] == expected
