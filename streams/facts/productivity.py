"""What a port achieved per time: box rates of cranes, failures, berths, energy. Pure formulas over numbers and intervals.

A rate over no time is None, never 0. Gross and net exist twice: by TIC4.0 over the operator's logged-on time
(p. 1280049257, 1278050769), and by the trade over the crane's allocated time (Goussiatiner).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from streams.facts.crane_time import CAUSES, CraneTime
from streams.facts.intervals import Interval, attribution, clip, intersection, subtraction, total

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CraneProductivity:
    """Boxes per hour. `delay` is the allocated time lost to each cause, overlaps once: its parts add up to the union."""

    gross_tic40: float | None
    net_tic40: float | None
    gross_trade: float | None
    net_trade: float | None
    delay: Mapping[str, timedelta]


def per_hour(amount: float, time: timedelta) -> float | None:
    """`amount` per hour of `time`."""
    return amount / (time / _HOUR) if time > timedelta() else None


def crane_productivity(boxes: int, time: CraneTime) -> CraneProductivity:
    """Gross divides by all time, net by what is left without delays; a delay outside that time deducts nothing."""
    delays = [one for found in time.delays.values() for one in found]
    parts = attribution([(cause, intersection(time.delays.get(cause, ()), time.allocated)) for cause in CAUSES])
    return CraneProductivity(
        per_hour(boxes, total(time.logged_on)),
        per_hour(boxes, total(subtraction(time.logged_on, delays))),
        per_hour(boxes, total(time.allocated)),
        per_hour(boxes, total(subtraction(time.allocated, delays))),
        {cause: total(found) for cause, found in parts.items()},
    )


def share(part: timedelta, whole: timedelta) -> float | None:
    """One time as a share of another: utilisation is working ÷ on, or on ÷ calendar."""
    return part / whole if whole > timedelta() else None


def tnot(working: Iterable[Interval], dispatched: Iterable[Interval]) -> timedelta:
    """Time a crane was working and dispatched (TIC4.0 p. 1543700499)."""
    return total(intersection(working, dispatched))


@dataclass(frozen=True, slots=True)
class Reliability:
    """Failures of a crane (EN 15341 M10; MMBF after JMSE 2020 8(1) 6); None where nothing failed."""

    failures: int
    mtbf: timedelta | None
    mttr: timedelta | None
    availability: float | None
    mmbf: float | None


def reliability(on: Iterable[Interval], stopped: Iterable[Interval], moves: int) -> Reliability:
    """From the time it was on and the stretches a fault stopped it (each is one failure)."""
    downtimes = intersection(on, stopped)
    failures, repair = len(downtimes), total(downtimes)
    if not failures:
        return Reliability(0, None, None, None, None)
    mtbf, mttr = (total(on) - repair) / failures, repair / failures
    return Reliability(failures, mtbf, mttr, availability(mtbf, mttr), moves / failures)


def availability(mtbf: timedelta, mttr: timedelta) -> float | None:
    """MTBF ÷ (MTBF + MTTR)."""
    return share(mtbf, mtbf + mttr)


def crane_time_intensity(assigned: Iterable[timedelta], operations: timedelta) -> float | None:
    """CTI: the cranes' assigned time ÷ time from first to last lift (TIC4.0 p. 1670447105)."""
    return share(sum(assigned, timedelta()), operations)


def berth_productivity(moves: int, at_berth: timedelta) -> float | None:
    """Loaded, discharged and restowed boxes per hour at berth (ATB to ATD)."""
    return per_hour(moves, at_berth)


def berth_occupancy(stays: Iterable[Interval], window: Interval) -> float | None:
    """The share of a window in which a ship was at the berth."""
    return share(total(clip(stays, window)), window.duration)


def cargo_hours(moves: int, cranes: int, rate_per_hour: float) -> float:
    """Hours that `cranes` need for `moves` at a rate per crane and hour: what a faster crane saves at the berth."""
    return moves / (cranes * rate_per_hour)


def meter_delta(readings: Iterable[float]) -> float:
    """What a meter counted over readings in order of time; one that falls was reset and counts from 0 again."""
    used, before = 0.0, None
    for reading in readings:
        if before is not None:
            used += reading - before if reading >= before else reading
        before = reading
    return used


def energy_per_move_kwh(used_kwh: float, moves: int) -> float | None:
    """Energy ÷ moves; None without a move."""
    return used_kwh / moves if moves else None
