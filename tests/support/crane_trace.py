"""Builds what a crane reports: a script of moments, each with the fields that change, becomes rows of samples and jobs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from streams.facts.fact import Row

CRANE = "VNHPH-TANVU-STS01"
START = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY_T, SLACK_T, LADEN_T = 12.0, 1.0, 36.0
HANGING = {"spreader_landed": False, "spreader_locked": False, "load_t": EMPTY_T, "hoist_position_m": 30.0}
PLACE = {"trolley_position_m": 20.0, "gantry_position_m": 5.0, "spreader_mode": "single", "spreader_length_ft": 40}
FIRST = {**HANGING, **PLACE, "energy_total_kwh": 1000.0, "hoist_speed_mps": 0.0, "trolley_speed_mps": 0.0}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def lift(start_s: float, **changes: Any) -> list[tuple[float, dict[str, Any]]]:
    """Land at +30 s, lock +33, hang +36, trolley 20 → -5 m, set down +90, unlock +93, leave +96. `changes`: at locking."""
    return [
        (start_s + 10, {"hoist_speed_mps": -1.0}),
        (start_s + 28, {"hoist_speed_mps": 0.0, "hoist_position_m": 10.0}),
        (start_s + 30, {"spreader_landed": True, "load_t": SLACK_T}),
        (start_s + 33, {"spreader_locked": True, **changes}),
        (start_s + 36, {"spreader_landed": False, "load_t": LADEN_T, "hoist_speed_mps": 1.0}),
        (start_s + 50, {"hoist_speed_mps": 0.0, "hoist_position_m": 25.0, "trolley_speed_mps": -1.0}),
        (start_s + 75, {"trolley_speed_mps": 0.0, "trolley_position_m": -5.0, "hoist_speed_mps": -1.0}),
        (start_s + 89, {"hoist_speed_mps": 0.0, "hoist_position_m": 4.0}),
        (start_s + 90, {"spreader_landed": True, "load_t": SLACK_T}),
        (start_s + 93, {"spreader_locked": False}),
        (start_s + 96, {"spreader_landed": False, "load_t": EMPTY_T, "hoist_speed_mps": 1.0}),
        (start_s + 110, {"hoist_speed_mps": 0.0, "hoist_position_m": 30.0, "trolley_position_m": 20.0}),
    ]


def changes_only(script: Sequence[tuple[float, dict[str, Any]]]) -> list[Row]:
    """One sample per moment, with only what changed."""
    return [{"time": at(seconds), **said} for seconds, said in script]


def sampled(script: Sequence[tuple[float, dict[str, Any]]], until_s: float, step_s: float = 1.0) -> list[Row]:
    """Whole samples every `step_s`."""
    rows, told, reading = [], 0, {}
    for tick in range(round(until_s / step_s) + 1):
        while told < len(script) and script[told][0] <= tick * step_s:
            reading = {**reading, **script[told][1]}
            told += 1
        rows.append({"time": at(tick * step_s), **reading})
    return rows


def job(name: str, collected_s: float, delivered_s: float, **more: Any) -> list[Row]:
    """The steps of a job, as the job system tells them."""
    steps = ((collected_s, "readytocollect"), (delivered_s, "delivered"))
    return [{"time": at(seconds), "job_id": name, "step": step, **more} for seconds, step in steps]
