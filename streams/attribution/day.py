"""A crane's day from what is stored of it: cycles, statuses, samples, and its modems' readings."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Final

import numpy as np

from schemas.attribution import METHOD, PROFILE, ControlProfile, Method
from streams.attribution.cycles import Day
from streams.attribution.motion import AXES, motion_of
from streams.attribution.radio import Radio, Readings, radio_of
from streams.attribution.spans import Span, joined
from streams.attribution.work import Cycle
from streams.facts.crane_samples import Samples

_RESTS: Final = ("idle", "off", "standby")
_COMPARED: Final = ("counted", "gap", "suspended", "hatch", "aborted")


def cycles_of(facts: Iterable[Mapping[str, Any]]) -> list[Cycle]:
    """Rows of `port.crane_cycle` that the radio may have hindered; adjustments and invalid lifts are left out."""
    return [
        Cycle(
            fact["cycle_id"],
            (fact["locked_at"] if fact["outcome"] == "aborted" else fact["started_at"]).timestamp(),
            fact["ended_at"].timestamp(),
            fact["locked_at"].timestamp(),
            "hatch" if fact["outcome"] == "hatch" else fact["move_kind"],
            fact["mode"],
            fact["outcome"],
        )
        for fact in facts
        if fact["outcome"] in _COMPARED
    ]


def trips_of(rows: Iterable[Mapping[str, Any]]) -> list[Cycle]:
    """Rows of `port.device_trip` in order of time: what a device waited for by itself comes last and is left out."""
    trips = []
    for row in rows:
        ended_s = row["time"].timestamp()
        began_s, driven_s = ended_s - row["duration_s"], ended_s - (row["waited_s"] or 0.0)
        outcome = "incomplete" if row["completed"] is False else "counted"
        key = f"{row['device_id']}/{row['trip_id']}"
        trips.append(Cycle(key, began_s, max(driven_s, began_s), began_s, row["kind"], _mode(row["laden"]), outcome))
    return trips


def _mode(laden: bool | None) -> str | None:
    return None if laden is None else "laden" if laden else "empty"


def idle_of(statuses: Sequence[Mapping[str, Any]], until: datetime) -> list[Span]:
    """From rows of `port.crane_status` in order of time: when the crane said that it did not work."""
    spans = []
    for row, later in zip(statuses, [*statuses[1:], {"time": until}], strict=False):
        if row["status"] in _RESTS and later["time"] > row["time"]:
            spans.append(Span(row["time"].timestamp(), later["time"].timestamp()))
    return joined(spans)


def day_of(
    cycles: Sequence[Cycle],
    idle: Sequence[Span],
    modems: Sequence[Readings],
    samples: Samples,
    *,
    profile: ControlProfile = PROFILE,
    method: Method = METHOD,
) -> Day:
    """With several modems the radio is bad when that of each is; with none nothing is known of it."""
    radios = [radio_of(readings, profile, method) for readings in modems]
    radio = reduce(Radio.both, radios) if radios else Radio((), ())
    size = len(samples)
    speeds = [samples.numbers.get(axis, np.full(size, np.nan)) for axis in AXES]
    flags = [samples.codes.get(f"spreader_{flag}", np.full(size, -1, np.int8)) for flag in ("landed", "locked")]
    return Day(cycles, idle, radio, motion_of(samples.time_us / 1e6, speeds, flags[0], flags[1], method))
