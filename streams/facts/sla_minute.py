"""Whether one device was in or out of an SLA profile in one minute, from its radio readings. Pure.

A reading is bad where a threshold on it does not hold, or where it may hide an outage. TS 22.104 has a link down only
when messages are missing for longer than the survival time. A reading tells the share of messages lost since the one
before it, not which: they may all have been lost in a row, so the longest outage it may hide is `loss_ratio` x that
time. At most that long: nothing. Longer: an outage, and the minute is out.

`unknown` is neither: too few readings say what the profile asks. A gap is never good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from schemas.sla import Profile, Threshold

State = Literal["in", "out", "unknown"]
STATES: Final[tuple[State, ...]] = get_args(State)
LOOK_BACK_S: Final = 10.0
"""A reading this much older than a minute may begin the time that its first reading tells of. Beyond, nothing is told."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of one device in order of time: those of the minute, and before them the last within `LOOK_BACK_S`.

    `times_s` are seconds after the minute's start, negative before it. `numbers` by field, NaN where not told.
    """

    times_s: Values
    numbers: Mapping[str, Values]
    handover: Sequence[bool | None]
    five_qi: Sequence[int | None]
    slices: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Judged:
    """`good` + `bad` are the readings that said something of what the profile asks; `outage_s` the longest outages summed."""

    state: State
    good: int
    bad: int
    outage_s: float


def judge(profile: Profile, readings: Readings) -> Judged | None:
    """One minute of one device by one profile; None where no reading of the minute is of its 5QI or slice."""
    asked = (readings.times_s >= 0) & _covered(profile, readings)
    if not asked.any():
        return None
    tells = asked & np.logical_or.reduce([~np.isnan(readings.numbers[name]) for name in profile.fields])
    outages = _outages_s(profile, readings)
    failing = np.logical_or.reduce(
        [_fails(threshold, readings) for threshold in profile.each] or [np.zeros_like(asked)]
    )
    bad = tells & (failing | (outages > 0))
    told, outage_s = int(tells.sum()), float(outages[tells].sum())
    return Judged(_state(profile, readings, tells, bad, outage_s), told - int(bad.sum()), int(bad.sum()), outage_s)


def _state(
    profile: Profile, readings: Readings, tells: npt.NDArray[np.bool_], bad: npt.NDArray[np.bool_], outage_s: float
) -> State:
    told = int(tells.sum())
    if told < profile.least_readings:
        return "unknown"
    if outage_s > 0 or int(bad.sum()) > profile.bad_share * told:
        return "out"
    return "in" if all(_mean_holds(threshold, readings, tells) for threshold in profile.mean) else "out"


def _covered(profile: Profile, readings: Readings) -> npt.NDArray[np.bool_]:
    """Which readings are of the flows the profile is about."""
    wanted = profile.applies_to
    covered = np.ones(len(readings.times_s), bool)
    for chosen, told in ((wanted.five_qi, readings.five_qi), (wanted.slices, readings.slices)):
        if chosen:
            covered &= np.array([one in chosen for one in told], bool)
    return covered


def _fails(threshold: Threshold, readings: Readings) -> npt.NDArray[np.bool_]:
    values = readings.numbers[threshold.field]
    # Comparing with NaN is false: what was not told does not fail.
    fails = values < threshold.at_least if threshold.at_least is not None else values > _most(threshold)
    if threshold.handover is not None:
        fails = fails & np.array([bool(one) == threshold.handover for one in readings.handover], bool)
    return np.asarray(fails, bool)


def _most(threshold: Threshold) -> float:
    return np.inf if threshold.at_most is None else threshold.at_most


def _mean_holds(threshold: Threshold, readings: Readings, tells: npt.NDArray[np.bool_]) -> bool:
    values = readings.numbers[threshold.field][tells]
    values = values[~np.isnan(values)]
    return len(values) == 0 or threshold.holds(float(values.mean()))


def _outages_s(profile: Profile, readings: Readings) -> Values:
    """Of each reading the outage it may hide, 0 where that is no longer than the survival time."""
    if profile.survival_time_ms is None:
        return np.zeros(len(readings.times_s))
    since_s = np.diff(readings.times_s, prepend=np.nan)
    longest_s = readings.numbers["loss_ratio"] * np.where(since_s <= LOOK_BACK_S, since_s, np.nan)
    return np.where(longest_s > profile.survival_time_ms / 1_000, longest_s, 0.0)


def readings_of(rows: Mapping[str, Sequence[Any]], numbers: Sequence[str]) -> Readings:
    """Readings from columns: `time_s`, `handover`, `five_qi`, `slice` and each of `numbers`, None where not told."""
    return Readings(
        np.array(rows["time_s"], np.float64),
        {name: np.array([np.nan if v is None else v for v in rows[name]], np.float64) for name in numbers},
        rows["handover"],
        rows["five_qi"],
        rows["slice"],
    )
