"""A crane that lifts by the clock, and the plainest fold there is: from one unlock to the next, nothing filtered."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.facts import CRANE_CYCLE
from streams.facts.crane_samples import Samples, from_us
from streams.facts.fact import Fact, Row
from tests.support import raw

LIFT_S = 100


def lifts(count: int, start_s: float = 0.0, every_s: float = 5.0) -> list[raw.Row]:
    """Samples of `count` lifts, LIFT_S each: locked at a third, landed and unlocked at the end."""
    rows = [sample(start_s, locked=False)]
    for n in range(count):
        begun = start_s + n * LIFT_S
        steps = int(LIFT_S / every_s)
        for step in range(1, steps + 1):
            is_locked = steps / 3 <= step < steps
            rows.append(sample(begun + step * every_s, locked=is_locked, load_t=20.0 if is_locked else 0.0))
    return rows


def sample(seconds: float, *, locked: bool | None = None, crane: str = raw.CRANE, **values: Any) -> raw.Row:
    """One sample of a crane; nothing said of the lock unless given."""
    return raw.row("port.crane_sample", crane, raw.at(seconds), **{"load_t": 0.0, "spreader_locked": locked, **values})


def plain_fold(
    crane_id: str,
    start_state: Mapping[str, Any] | None,
    samples: Samples,
    statuses: Sequence[Row],
    jobs: Sequence[Row],
    assignments: Sequence[Row],
) -> list[Fact]:
    """A cycle for each lock and the unlock after it; the job delivered while it was going on is its job."""
    state = dict(start_state or {"started_us": None, "locked_us": None})
    facts = []
    for time_us, flag in zip(samples.time_us.tolist(), samples.codes["spreader_locked"].tolist(), strict=True):
        state["started_us"] = time_us if state["started_us"] is None else state["started_us"]
        if flag == 1 and state["locked_us"] is None:
            state["locked_us"] = time_us
        elif flag == 0 and state["locked_us"] is not None:
            facts.append(_cycle(crane_id, state, time_us, jobs))
            state = {"started_us": time_us, "locked_us": None}
    return facts


def _cycle(crane_id: str, state: Mapping[str, Any], ended_us: int, jobs: Sequence[Row]) -> Fact:
    started, locked, ended = from_us(state["started_us"]), from_us(state["locked_us"]), from_us(ended_us)
    done = [job["job_id"] for job in jobs if job["step"] == "delivered" and started < job["time"] <= ended]
    values = {
        **{c.name: 0 if c.required else None for c in CRANE_CYCLE.columns},
        "cycle_id": f"{crane_id}/{state['locked_us'] // 1000}",
        "crane_id": crane_id,
        "site": "VNHPH-TANVU",
        "started_at": started,
        "locked_at": locked,
        "ended_at": ended,
        "laden_s": (ended - locked).total_seconds(),
        "unladen_s": (locked - started).total_seconds(),
        "job_id": done[0] if done else None,
        "outcome": "complete",
        "state": {"version": 1, "time_us": ended_us, "started_us": ended_us, "locked_us": None},
    }
    return Fact("crane_cycle", values["cycle_id"], values)
