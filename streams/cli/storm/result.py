"""What came of one seed: numbers, what must not be, and one line of JSON."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from streams.cli.storm.play import Recovery
from streams.cli.storm.schedule import Schedule, Step

# Beyond this times the outage, and beyond the floor, a recovery is slow. The floor is what a group, a session and a
# broker's election take whatever the outage was: three sessions of WORKER (ground.py).
MOST_TIMES: Final = 2.0
FLOOR_S: Final = 18.0


@dataclass(frozen=True, slots=True)
class Result:
    """`lost`: events written and not stored. `duplicated`: rows beyond one per event. Times in seconds."""

    seed: int
    minutes: float
    per_s: float
    commit: str
    faults: int
    written: int
    records: int
    events: int
    accepted: int
    lost: int
    duplicated: int
    out_of_order: int
    restarts: int
    drained_s: float | None
    verified: bool
    differences: tuple[str, ...]
    failed: tuple[str, ...]
    recoveries: tuple[Recovery, ...]
    steps: tuple[Step, ...]

    def problems(self) -> list[str]:
        """What must not be; empty for a seed that holds."""
        wrong = [f"the harness failed: {what}" for what in self.failed]
        if self.drained_s is None:
            wrong.append(f"not all was stored in time: {self.accepted:,} of {self.written:,}")
        if self.lost:
            wrong.append(f"{self.lost:,} events are lost")
        if self.duplicated:
            wrong.append(f"{self.duplicated:,} rows are too many")
        if self.events != self.written:
            wrong.append(f"{self.written:,} lines were written, {self.events:,} events are in Kafka")
        if self.out_of_order:
            wrong.append(f"{self.out_of_order:,} events came out of order")
        if not self.verified:
            wrong.extend(self.differences or ("verify --truth did not come to an end",))
        return wrong

    @property
    def slowest(self) -> Recovery | None:
        """The recovery that took longest of those alone."""
        alone = [r for r in self.recoveries if r.alone and r.recovered_s is not None]
        return max(alone, key=lambda r: r.recovered_s or 0.0, default=None)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "problems": self.problems()}


def void(schedule: Schedule, per_s: float, commit: str, why: str) -> Result:
    """A seed that could not be played: it proves nothing, and says why."""
    nothing = dict.fromkeys(
        ("faults", "written", "records", "events", "accepted", "lost", "duplicated", "out_of_order", "restarts"), 0
    )
    return Result(
        seed=schedule.seed,
        minutes=round(schedule.seconds / 60, 2),
        per_s=per_s,
        commit=commit,
        **nothing,
        drained_s=None,
        verified=False,
        differences=(),
        failed=(why,),
        recoveries=(),
        steps=schedule.steps,
    )


def within_bound(recovery: Recovery) -> bool:
    """Whether it took at most twice the outage, or at most the floor."""
    return recovery.recovered_s is not None and recovery.recovered_s <= max(FLOOR_S, MOST_TIMES * recovery.outage_s)


def slow(recoveries: Iterable[Recovery]) -> list[Recovery]:
    """Those that were alone and took too long."""
    return [recovery for recovery in recoveries if recovery.alone and not within_bound(recovery)]
