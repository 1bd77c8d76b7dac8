"""The fold of the simulator's samples is the simulator's own truth: every lift, within one sample of its time."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.simulator import Simulation, SimulationOptions
from streams.facts.crane_cycle import fold_rows
from streams.facts.crane_samples import from_us
from streams.facts.fact import Row

DURATION = timedelta(minutes=25)
RTG_STEP = timedelta(seconds=1)


@pytest.mark.parametrize("seed", [1, 7])
def test_the_fold_of_the_samples_is_the_truth_of_the_simulator(seed: int) -> None:
    simulation = Simulation(SimulationOptions(seed=seed, duration=DURATION))
    rows = played(simulation)
    settled = max(row["time"] for table in rows.values() for row in table["port.crane_sample"]) - 2 * RTG_STEP
    truth = [lift for lift in simulation.truth()["cycles"] if moment(lift["unlocked_at"]) < settled]
    folded = {crane: [fact.values for fact in fold_rows(crane, table)] for crane, table in rows.items()}
    assert len(truth) > 80
    for crane, cycles in folded.items():
        lifts = [lift for lift in truth if lift["crane_id"] == crane]
        ended = [cycle for cycle in cycles if cycle["ended_at"] < settled + RTG_STEP]
        assert [said(cycle) for cycle in ended[: len(lifts)]] == [told(lift) for lift in lifts]
        assert len(ended) - len(lifts) <= 1
        for cycle, lift in zip(cycles, lifts, strict=False):
            assert timedelta() <= cycle["locked_at"] - moment(lift["locked_at"]) <= RTG_STEP
            assert timedelta() <= cycle["ended_at"] - moment(lift["unlocked_at"]) <= RTG_STEP


def said(cycle: dict[str, Any]) -> tuple[Any, ...]:
    is_whole = cycle["outcome"] in ("counted", "hatch")
    return is_whole, cycle["boxes"], cycle["move_kind"], cycle["call_id"], cycle["job_id"] is not None


def told(lift: dict[str, Any]) -> tuple[Any, ...]:
    is_whole = lift["started_at"] is not None or lift["kind"] == "hatch"
    return is_whole, lift["boxes"], lift["kind"], lift["call_id"], True


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def played(simulation: Simulation) -> dict[str, dict[str, list[Row]]]:
    """What cranes told, by crane and table, before anything is sent."""
    rows: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for fact in simulation._world.agenda:
        domain, what = fact.type.split(".")[2:4]
        if domain == "crane":
            rows[fact.subject][f"port.crane_{what}"].append({"time": from_us(fact.time_ms * 1_000), **fact.data})
    simulation._taken_until_ms = simulation._world.end_ms
    return rows
