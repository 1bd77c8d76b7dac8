"""What a crane's jobs say of its lifts: which job a lift belongs to, each job once.

A job belongs to a lift when it was delivered near the moment the cargo was unlocked, or, as long as it is not
delivered, collected near the moment it was locked (TIC4.0 job stepping). Real against confirmed: crane_moves.py.
"""

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from streams.facts.crane_samples import to_us
from streams.facts.fact import Row

NEAR_US: Final = 60_000_000
TOGETHER_US: Final = 15_000_000
_OPEN_AT_MOST: Final = 32
_CLAIMED_AT_MOST: Final = 16
_DELIVERIES_AT_MOST: Final = 8
_COLLECTED: Final = ("readytocollect", "movingtodeliver")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as far as it was told; times are epoch µs. A job delivered twice has two deliveries and is one job."""

    job_id: str
    move_kind: str | None = None
    call_id: str | None = None
    boxes: int | None = None
    collected_us: int | None = None
    delivered_us: tuple[int, ...] = ()
    cancelled: bool = False

    def told(self, row: Row) -> "Job":
        """The job with one more row of `port.crane_job`; what a row leaves out stays."""
        time_us, step = to_us(row["time"]), row["step"]
        said = {name: row[name] for name in ("move_kind", "call_id", "boxes") if row.get(name) is not None}
        job = replace(self, cancelled=step == "cancelled", **said)
        if step in _COLLECTED:
            return replace(job, collected_us=time_us)
        if step == "delivered":
            return replace(job, delivered_us=(*job.delivered_us, time_us)[:_DELIVERIES_AT_MOST])
        return job

    def distance(self, locked_us: int, ended_us: int) -> tuple[int, int] | None:
        """How far it is from a lift (smaller is nearer), or None where it cannot be the lift's."""
        if self.delivered_us:
            away_us = min(abs(delivered - ended_us) for delivered in self.delivered_us)
            return (0, away_us) if away_us <= NEAR_US else None
        if self.collected_us is None or self.cancelled or abs(self.collected_us - locked_us) > NEAR_US:
            return None
        return 1, abs(self.collected_us - locked_us)


def jobs_of(rows: Iterable[Row]) -> dict[str, Job]:
    """Jobs by id from rows in order of time."""
    jobs: dict[str, Job] = {}
    for row in rows:
        jobs[row["job_id"]] = jobs.get(row["job_id"], Job(row["job_id"])).told(row)
    return jobs


def nearest(jobs: Iterable[Job], locked_us: int, ended_us: int) -> Job | None:
    """The job nearest to a lift; of two as near the smaller id."""
    near = [(job.distance(locked_us, ended_us), job.job_id, job) for job in jobs]
    return min(((away, name, job) for away, name, job in near if away is not None), default=(None, "", None))[2]


def together(jobs: Iterable[Job], first: Job, ended_us: int, boxes: int) -> list[Job]:
    """Other jobs of the same lift of `boxes`: delivered with the first, as long as the spreader had room for them."""
    left = boxes - _boxes(first)
    found = []
    for job in sorted(jobs, key=lambda job: job.job_id):
        is_near = any(abs(delivered - ended_us) <= TOGETHER_US for delivered in job.delivered_us)
        if job.job_id != first.job_id and first.delivered_us and is_near and _boxes(job) <= left:
            found.append(job)
            left -= _boxes(job)
    return found


def _boxes(job: Job) -> int:
    return 1 if job.boxes is None else max(job.boxes, 1)


class JobBook:
    """The jobs of one crane in the order they were told. Open and claimed jobs are bounded, the oldest forgotten first.

    `rows` are those after `known`, which is a book's `as_json` (None: an empty book).
    """

    def __init__(self, rows: Sequence[Row], known: Mapping[str, Any] | None) -> None:
        self._rows = rows
        self._times_us = [to_us(row["time"]) for row in rows]
        self._told = 0
        open_jobs = [_job(entry) for entry in known["open"]] if known else []
        self._open = OrderedDict((job.job_id, job) for job in open_jobs)
        self._claimed = deque(known["claimed"] if known else (), maxlen=_CLAIMED_AT_MOST)

    def claim(self, locked_us: int, ended_us: int, boxes: int) -> Job | None:
        """The job of a lift, which is nobody else's from then on. Lifts must come in the order of their ends."""
        self.tell_until(ended_us)
        candidates = self._looking_ahead(ended_us + NEAR_US)
        job = nearest(candidates.values(), locked_us, ended_us)
        if job is not None:
            room = max(boxes, job.boxes or 0)
            for claimed in (job, *together(candidates.values(), job, ended_us, room)):
                self._claimed.append(claimed.job_id)
                self._open.pop(claimed.job_id, None)
        return job

    def tell_until(self, time_us: int) -> None:
        """Take in what was told until a moment."""
        until = bisect_right(self._times_us, time_us)
        for row in self._rows[self._told : until]:
            self._take(self._open, row)
            while len(self._open) > _OPEN_AT_MOST:
                self._open.popitem(last=False)
        self._told = max(self._told, until)

    def as_json(self) -> dict[str, Any]:
        return {"open": [_entry(job) for job in self._open.values()], "claimed": list(self._claimed)}

    def _looking_ahead(self, time_us: int) -> "OrderedDict[str, Job]":
        jobs = self._open.copy()
        for row in self._rows[self._told : bisect_right(self._times_us, time_us)]:
            self._take(jobs, row)
        return jobs

    def _take(self, jobs: "OrderedDict[str, Job]", row: Row) -> None:
        name = row["job_id"]
        if name not in self._claimed:
            jobs[name] = jobs.get(name, Job(name)).told(row)
            jobs.move_to_end(name)


def _entry(job: Job) -> dict[str, Any]:
    """Only what was told, to keep states small."""
    told = {name: value for name, value in asdict(job).items() if value is not None and value is not False}
    return told | {"delivered_us": list(job.delivered_us)}


def _job(entry: Mapping[str, Any]) -> Job:
    return Job(**{**entry, "delivered_us": tuple(entry["delivered_us"])})
