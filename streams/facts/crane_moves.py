"""Real moves against confirmed moves: cranes make the real ones, jobs confirm them, and both sides are listed.

TIC4.0 says that systems register confirmed moves, not real ones; so both are published, and the gap.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from streams.facts.crane_jobs import Job, jobs_of, together
from streams.facts.crane_samples import from_us, to_us
from streams.facts.fact import Row
from streams.facts.intervals import Interval

Cycle = Mapping[str, Any]
"""The values of a `port.crane_cycle` fact."""


@dataclass(frozen=True, slots=True)
class MoveGap:
    """One crane in one window. `cycles` are real lifts without a job, `jobs` confirmed ones without a lift."""

    window: Interval
    real_boxes: int
    confirmed_boxes: int
    cycles: tuple[str, ...]
    jobs: tuple[str, ...]

    @property
    def ratio(self) -> float | None:
        """The part of the real boxes that was not confirmed: real 190, confirmed 184 → 0.032; None without any."""
        return (self.real_boxes - self.confirmed_boxes) / self.real_boxes if self.real_boxes else None


class _Confirmed(NamedTuple):
    at: datetime
    boxes: int
    job_id: str
    cycle_id: str | None


def move_gaps(cycles: Sequence[Cycle], jobs: Sequence[Row], windows: Iterable[Interval]) -> list[MoveGap]:
    """The gap of one crane in each window (a shift). Rows of jobs in order of (time, event_id).

    A cycle belongs to the window in which it ends, a confirmed job to that of its cycle, else to that of its (first)
    delivery. Hatch covers are no boxes on either side.
    """
    confirmed = _confirmed(cycles, [job for job in jobs_of(jobs).values() if job.delivered_us])
    return [_gap(window, cycles, confirmed) for window in windows]


def _gap(window: Interval, cycles: Sequence[Cycle], confirmed: Sequence[_Confirmed]) -> MoveGap:
    real = [cycle for cycle in cycles if window.start <= cycle["ended_at"] < window.end]
    told = [one for one in confirmed if window.start <= one.at < window.end]
    return MoveGap(
        window,
        sum(cycle["boxes"] for cycle in real),
        sum(one.boxes for one in told),
        tuple(cycle["cycle_id"] for cycle in real if cycle["boxes"] and cycle["job_id"] is None),
        tuple(one.job_id for one in told if one.cycle_id is None),
    )


def _confirmed(cycles: Sequence[Cycle], jobs: Sequence[Job]) -> list[_Confirmed]:
    by_job = {cycle["job_id"]: cycle for cycle in cycles if cycle["job_id"] and cycle["outcome"] != "invalid"}
    by_job |= _companions(cycles, [job for job in jobs if job.job_id not in by_job], {job.job_id: job for job in jobs})
    found = []
    for job in jobs:
        cycle = by_job.get(job.job_id)
        at = from_us(job.delivered_us[0]) if cycle is None else cycle["ended_at"]
        found.append(_Confirmed(at, _boxes(job), job.job_id, None if cycle is None else cycle["cycle_id"]))
    return found


def _companions(cycles: Sequence[Cycle], left: Sequence[Job], jobs: Mapping[str, Job]) -> dict[str, Cycle]:
    """The other jobs of lifts with several boxes: two jobs of one twin lift."""
    near: dict[str, Cycle] = {}
    for cycle in cycles:
        first = jobs.get(cycle["job_id"])
        if first is None or cycle["boxes"] < 2:
            continue
        free = [job for job in left if job.job_id not in near]
        for job in together(free, first, to_us(cycle["ended_at"]), cycle["boxes"]):
            near[job.job_id] = cycle
    return near


def _boxes(job: Job) -> int:
    if job.move_kind == "hatch":
        return 0
    return 1 if job.boxes is None else job.boxes
