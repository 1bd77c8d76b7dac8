"""Crane folds: whoever folds on from a stored state gets what folding from the beginning gives, bit by bit."""

import json
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.facts.crane_cycle import LOOK_AHEAD, fold_rows
from streams.facts.fact import Row
from tests.support.crane_trace import CRANE, FIRST, at, job

FLAGS = st.sampled_from(["spreader_landed", "spreader_locked"])
NUMBERS = st.sampled_from(
    ["load_t", "hoist_position_m", "trolley_position_m", "hoist_speed_mps", "trolley_speed_mps", "energy_total_kwh"]
)
CHANGE = st.tuples(FLAGS, st.booleans()) | st.tuples(NUMBERS, st.integers(-20, 40).map(lambda n: n / 2))
MOMENT = st.tuples(st.sampled_from([0.0, 0.1, 0.25, 1.0, 3.0, 20.0, 70.0]), st.lists(CHANGE, min_size=1, max_size=4))
SCRIPTS = st.lists(MOMENT, min_size=10, max_size=120)
SEEDS = st.integers(0, 10_000)


def samples_of(script: list[Any]) -> list[Row]:
    rows: list[Row] = [{"time": at(0), "event_id": "00000", **FIRST}]
    seconds = 1.0
    for n, (pause_s, changes) in enumerate(script):
        seconds += pause_s
        rows.append({"time": at(seconds), "event_id": f"{n + 1:05d}", **dict(changes)})
    return rows


def rows_of(script: list[Any], seed: int) -> dict[str, list[Row]]:
    dice = Random(seed)
    samples = samples_of(script)
    span_s = (samples[-1]["time"] - at(0)).total_seconds()
    jobs, statuses, calls = [], [], []
    for n in range(dice.randrange(12)):
        begun_s = dice.uniform(0, span_s)
        jobs += job(f"J{n}", begun_s, begun_s + dice.uniform(1, 90), boxes=dice.choice([None, 0, 1, 2]))
        statuses.append({"time": at(dice.uniform(0, span_s)), "status": dice.choice(["off", "working", "idle"])})
        state = dice.choice(["allocated", "released"])
        calls.append({"time": at(dice.uniform(0, span_s)), "call_id": dice.choice("AB"), "state": state})
    tables = {"sample": samples, "job": jobs, "status": statuses, "assignment": calls}
    return {f"port.crane_{name}": sorted(rows, key=lambda row: row["time"]) for name, rows in tables.items()}


def lifting(script: list[Any], seed: int) -> list[Any]:
    """The script with whole lifts strewn in, so that there is something to fold."""
    dice, woven = Random(seed), []
    for moment in script:
        woven.append(moment)
        if dice.random() < 0.3:
            woven += [
                (2.0, [("spreader_landed", True), ("load_t", 1.0)]),
                (2.0, [("spreader_locked", True)]),
                (2.0, [("spreader_landed", False), ("load_t", 30.0)]),
                (9.0, [("trolley_position_m", dice.uniform(-50, 50)), ("energy_total_kwh", dice.uniform(0, 9))]),
                (2.0, [("spreader_landed", True), ("load_t", 1.0)]),
                (2.0, [("spreader_locked", False)]),
                (2.0, [("spreader_landed", False), ("load_t", 12.0)]),
            ]
    return woven


@given(SCRIPTS, SEEDS)
def test_folding_on_from_any_stored_state_gives_the_same_later_facts(script: list[Any], seed: int) -> None:
    rows = rows_of(lifting(script, seed), seed)
    whole = fold_rows(CRANE, rows)
    for n, fact in enumerate(whole):
        stored = json.loads(json.dumps(fact.values["state"]))
        assert fold_rows(CRANE, rows, stored) == whole[n + 1 :]


@given(SCRIPTS, SEEDS)
def test_rows_that_came_in_any_order_give_the_same_facts_once_sorted(script: list[Any], seed: int) -> None:
    rows = rows_of(lifting(script, seed), seed)
    shuffled = Random(seed).sample(rows["port.crane_sample"], len(rows["port.crane_sample"]))
    again = {**rows, "port.crane_sample": sorted(shuffled, key=lambda row: (row["time"], row["event_id"]))}
    assert fold_rows(CRANE, again) == fold_rows(CRANE, rows)


@given(SCRIPTS, SEEDS)
def test_more_samples_change_nothing_that_ended_long_before_them(script: list[Any], seed: int) -> None:
    rows = rows_of(lifting(script, seed), seed)
    samples = rows["port.crane_sample"]
    until = samples[len(samples) // 2]["time"]
    half = {name: [row for row in table if row["time"] <= until] for name, table in rows.items()}
    settled = until - LOOK_AHEAD - timedelta(milliseconds=1)
    early = [fact for fact in fold_rows(CRANE, half) if fact.values["ended_at"] < settled]
    assert early == [fact for fact in fold_rows(CRANE, rows) if fact.values["ended_at"] < settled]


@given(SCRIPTS, SEEDS)
def test_the_parts_of_every_cycle_add_up(script: list[Any], seed: int) -> None:
    for fact in fold_rows(CRANE, rows_of(lifting(script, seed), seed)):
        one = fact.values
        whole_us = round((one["ended_at"] - one["started_at"]) / timedelta(microseconds=1))
        moved = ("hoist_s", "lower_s", "trolley_s", "wait_s")
        assert round((one["laden_s"] + one["unladen_s"]) * 1e6) == whole_us
        assert round(sum(one[name] for name in moved) * 1e6) == whole_us
        assert min(one[name] for name in (*moved, "laden_s", "unladen_s")) >= 0
