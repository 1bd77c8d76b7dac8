"""What a crane's cycles need beside its samples: its status, the call it is allocated to, and its jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from streams.facts.crane_jobs import JobBook
from streams.facts.crane_samples import to_us
from streams.facts.crane_state import CraneState
from streams.facts.fact import Row
from streams.facts.timeline import Timeline

_NOTHING: Final[Mapping[str, Any]] = {"status": None, "call_id": None, "jobs": None}


@dataclass(frozen=True, slots=True)
class Context:
    """Rows later than the state they join; the book of jobs moves on as lifts claim them."""

    status: Timeline[str | None]
    call_id: Timeline[str | None]
    jobs: JobBook

    def as_json(self, time_us: int) -> dict[str, Any]:
        """What is known at a moment, for the state of a lift that ended then."""
        self.jobs.tell_until(time_us)
        return {
            "status": self.status.at(time_us),
            "call_id": self.call_id.at(time_us),
            "jobs": self.jobs.as_json(),
        }


def context_of(
    state: CraneState | None, statuses: Sequence[Row], jobs: Sequence[Row], assignments: Sequence[Row]
) -> Context:
    """The context from rows in order of time; those not later than the state are in it already."""
    known = _NOTHING if state is None else state.context
    since_us = None if state is None else state.time_us
    told = _later(statuses, since_us)
    status = Timeline(known["status"], [to_us(row["time"]) for row in told], [row["status"] for row in told])
    calls = _calls(known["call_id"], _later(assignments, since_us))
    return Context(status, calls, JobBook(_later(jobs, since_us), known["jobs"]))


def _later(rows: Sequence[Row], since_us: int | None) -> Sequence[Row]:
    return rows if since_us is None else [row for row in rows if to_us(row["time"]) > since_us]


def _calls(first: str | None, rows: Sequence[Row]) -> Timeline[str | None]:
    times_us: list[int] = []
    calls: list[str | None] = []
    call = first
    for row in rows:
        if row["state"] == "allocated":
            call = row["call_id"]
        elif row["state"] == "released" and row["call_id"] == call:
            call = None
        else:
            continue
        times_us.append(to_us(row["time"]))
        calls.append(call)
    return Timeline(first, times_us, calls)
