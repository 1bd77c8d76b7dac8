"""Crane cycles from samples, statuses, jobs and assignments: the facts of `port.crane_cycle`.

A cycle starts where the one before ended and ends when the payload is unlocked (TIC4.0, `wiki/x/HICJNw`), so
`unladen_s` (start to lock) and `laden_s` (lock to end) add up to it. The same time is also split by what moved:
`hoist_s` while the spreader rises, `lower_s` while it comes down, `trolley_s` while only trolley or gantry move,
`wait_s` the rest; hoist_s + lower_s + trolley_s + wait_s = unladen_s + laden_s.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from schemas.facts import CRANE_CYCLE, CraneCycleOutcome
from schemas.identifiers import site_of
from streams.facts.crane_context import Context, context_of
from streams.facts.crane_jobs import NEAR_US, Job
from streams.facts.crane_samples import Samples, from_us
from streams.facts.crane_state import CraneState
from streams.facts.crane_track import lay_track
from streams.facts.crane_walk import Lift, Walk
from streams.facts.fact import Fact, Row, Rows

LOOK_AHEAD: Final = timedelta(microseconds=NEAR_US)
"""How much later than a cycle's end a row may be and still change that cycle (its job is delivered late)."""

BOXES: Final[Mapping[str | None, int]] = {None: 1, "single": 1, "twin": 2, "tandem": 2, "quad": 4}
TEU_BY_LENGTH_FT: Final[Mapping[float, float]] = {20: 1.0, 30: 1.5, 40: 2.0, 45: 2.25}
_END_TO_END: Final = ("twin", "quad")
_COUNTS: Final = ("counted", "gap", "suspended")


def fold(
    crane_id: str,
    start_state: Mapping[str, Any] | None,
    samples: Samples,
    statuses: Sequence[Row],
    jobs: Sequence[Row],
    assignments: Sequence[Row],
) -> list[Fact]:
    """The lifts of a crane in the order of their ends.

    `start_state` is the `state` of a stored fact, or None to begin with the first sample. Give all rows later than its
    `time_us`, in order of (time, event_id); earlier ones are passed over. The facts are then exactly those after that
    fact when folding from the beginning. Raises ValueError for a state of another version.
    """
    state = None if start_state is None else CraneState.of_json(start_state)
    track = lay_track(samples, state)
    context = context_of(state, statuses, jobs, assignments)
    return [_fact(crane_id, lift, context) for lift in Walk(track, state, context.status).lifts()]


def fold_rows(crane_id: str, rows: Rows, start_state: Mapping[str, Any] | None = None) -> list[Fact]:
    """The same from rows by raw table."""
    return fold(
        crane_id,
        start_state,
        Samples.of_rows(rows.get("port.crane_sample", ())),
        rows.get("port.crane_status", ()),
        rows.get("port.crane_job", ()),
        rows.get("port.crane_assignment", ()),
    )


def _fact(crane_id: str, lift: Lift, context: Context) -> Fact:
    span = lift.span
    is_attempt = lift.kind in ("aborted", "adjustment")
    job = None if is_attempt else context.jobs.claim(span.locked_us, span.ended_us, BOXES[lift.mode])
    mode = "quad" if lift.mode == "tandem" and job is not None and job.boxes == BOXES["quad"] else lift.mode
    outcome = _outcome(lift, job)
    boxes = BOXES[mode] if outcome in _COUNTS else 0
    values: dict[str, Any] = {
        "cycle_id": f"{crane_id}/{span.locked_us // 1_000}",
        "crane_id": crane_id,
        "site": site_of(crane_id),
        "started_at": from_us(span.started_us),
        "locked_at": from_us(span.locked_us),
        "ended_at": from_us(span.ended_us),
        "boxes": boxes,
        "teu": _teu(mode, lift.length_ft, boxes),
        "mode": mode,
        **_durations_s(lift),
        "load_t_max": lift.load_t_max,
        "energy_kwh": lift.energy_kwh,
        "job_id": None if job is None else job.job_id,
        "call_id": job.call_id if job is not None and job.call_id else context.call_id.at(span.ended_us),
        "move_kind": None if job is None else job.move_kind,
        "outcome": outcome,
        "state": lift.state.with_context(context.as_json(span.ended_us)).as_json(),
    }
    return Fact(CRANE_CYCLE.kind, values["cycle_id"], values)


def _durations_s(lift: Lift) -> dict[str, float]:
    started_us, locked_us, ended_us = lift.span
    hoisted, trolleyed, lowered = lift.moved_us
    durations_us = {
        "laden_s": ended_us - locked_us,
        "unladen_s": locked_us - started_us,
        "wait_s": ended_us - started_us - hoisted - trolleyed - lowered,
        "hoist_s": hoisted,
        "trolley_s": trolleyed,
        "lower_s": lowered,
    }
    return {name: duration_us / 1e6 for name, duration_us in durations_us.items()}


def _outcome(lift: Lift, job: Job | None) -> CraneCycleOutcome:
    """The first that applies: what the lift was, then what is to be said of its measurement."""
    if lift.kind != "lift":
        return lift.kind
    if job is not None and job.move_kind == "hatch":
        return "hatch"
    if "gap" in lift.trouble:
        return "gap"
    return "suspended" if "suspended" in lift.trouble else "counted"


def _teu(mode: str | None, length_ft: float | None, boxes: int) -> float | None:
    """TEU of the boxes: 45' is 2.25. Boxes end to end (twin, quad) are 20' whatever the spreader's whole length is."""
    if boxes == 0:
        return 0.0
    if mode in _END_TO_END:
        return boxes * TEU_BY_LENGTH_FT[20]
    per_box = None if length_ft is None else TEU_BY_LENGTH_FT.get(length_ft)
    return None if per_box is None else boxes * per_box
