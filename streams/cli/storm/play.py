"""Plays a schedule: each side in a thread of its own, while somebody counts how much waits and restarts what ended."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from streams.cli.benchmark.outage.port import Port
from streams.cli.storm.breaks import BREAKS
from streams.cli.storm.ground import Ground
from streams.cli.storm.schedule import Schedule, Step

LOOK_S: Final = 0.5
# What is written now is stored a moment later: so many seconds' worth of events is no backlog.
BACKLOG_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Happened:
    """A step as it was: seconds since the start."""

    step: Step
    began_s: float
    mended_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """How many events were written and not stored; None while the database did not say."""

    at_s: float
    waiting: int | None


@dataclass(slots=True)
class Course:
    """What happened, and how much waited."""

    happened: list[Happened] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Faults that the harness could not do or undo: a run with any proves nothing."""


class Player:
    """`run` once."""

    def __init__(self, ground: Ground, schedule: Schedule, says: Callable[[str], None]) -> None:
        self._ground = ground
        self._schedule = schedule
        self._says = says
        self._course = Course()
        self._began_s = 0.0

    def run(self, port: Port, shows: Callable[[float, int | None], None]) -> Course:
        """From the first step until all are mended and the time is over. `shows` is told of every sample."""
        self._began_s = time.monotonic()
        sides = self._schedule.sides().values()
        threads = [threading.Thread(target=self._side, args=(steps,), daemon=True) for steps in sides]
        for thread in threads:
            thread.start()
        while self.elapsed_s() < self._schedule.seconds or any(thread.is_alive() for thread in threads):
            sample = self._look(port)
            shows(sample.at_s, sample.waiting)
        return self._course

    def drain(self, written: int, within_s: float, shows: Callable[[float, int | None], None]) -> float | None:
        """Seconds until everything written is stored; None when it is not in time."""
        began_s = self.elapsed_s()
        while self.elapsed_s() - began_s < within_s:
            accepted = self._ground.accepted()
            waiting = None if accepted is None else written - accepted
            shows(self.elapsed_s(), waiting)
            self._course.samples.append(Sample(self.elapsed_s(), waiting))
            if waiting is not None and waiting <= 0:
                return self.elapsed_s() - began_s
            self._ground.tend()
            time.sleep(LOOK_S)
        return None

    def elapsed_s(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began_s

    def _look(self, port: Port) -> Sample:
        written, accepted = port.written, self._ground.accepted()
        sample = Sample(self.elapsed_s(), None if accepted is None else written - accepted)
        self._course.samples.append(sample)
        self._ground.tend()
        time.sleep(LOOK_S)
        return sample

    def _side(self, steps: Sequence[Step]) -> None:
        for step in steps:
            time.sleep(max(0.0, step.at_s - self.elapsed_s()))
            try:
                self._play(step)
            except Exception as error:  # noqa: BLE001  (whatever it is, the run is void and says so)
                self._course.failed.append(f"{step.fault} of {step.target} at {step.at_s:.0f} s: {error!r}")
                self._says(f"[red]harness[/red] {self._course.failed[-1]}")

    def _play(self, step: Step) -> None:
        began_s = self.elapsed_s()
        self._says(f"{began_s:6.1f} s  {step.fault} {step.target} for {step.lasts_s:.1f} s")
        with BREAKS[step.fault](self._ground, step.target):
            time.sleep(step.lasts_s)
        self._course.happened.append(Happened(step, began_s, self.elapsed_s()))
        if step.fault == "fail-over":
            self._ground.mend()


@dataclass(frozen=True, slots=True)
class Recovery:
    """After one fault: the outage, and seconds from its end until nothing waited. `alone`: no other fault in between."""

    fault: str
    target: str
    outage_s: float
    recovered_s: float | None
    alone: bool


def recoveries(course: Course, per_s: float) -> list[Recovery]:
    """Of every step, in order. Two faults overlap when one began before all had recovered from the other."""
    happened = sorted(course.happened, key=lambda h: h.began_s)
    ends = [_recovered_at(course, h.mended_s, per_s) for h in happened]
    return [
        Recovery(
            fault=each.step.fault,
            target=each.step.target,
            outage_s=round(each.mended_s - each.began_s, 1),
            recovered_s=None if end == inf else round(end - each.mended_s, 1),
            alone=not any(
                other is not each and other.began_s < end and until > each.began_s
                for other, until in zip(happened, ends, strict=True)
            ),
        )
        for each, end in zip(happened, ends, strict=True)
    ]


def _recovered_at(course: Course, mended_s: float, per_s: float) -> float:
    return next((s.at_s for s in course.samples if s.at_s >= mended_s and _is_none(s, per_s)), inf)


def _is_none(sample: Sample, per_s: float) -> bool:
    return sample.waiting is not None and sample.waiting <= BACKLOG_S * per_s
