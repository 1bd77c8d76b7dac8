"""The radio of a machine: when it was out of the profile, and when anything is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.attribution import METHOD, PROFILE, ControlProfile, Method
from streams.attribution.spans import Span, joined, shared

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Readings:
    """One modem's readings as columns in order of time: epoch seconds, ms, ratio, dB; NaN where nothing was said."""

    time_s: Numbers
    rtt_ms: Numbers
    loss_ratio: Numbers
    sinr_db: Numbers
    cells: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class Radio:
    """`bad`: episodes out of the profile. `known`: time that readings speak for. `step_s`: their usual distance."""

    bad: Sequence[Span]
    known: Sequence[Span]
    step_s: float = 0.0

    def both(self, other: "Radio") -> "Radio":
        """Of a machine with two modems: bad when both are, known when either is."""
        known = joined(sorted([*self.known, *other.known]))
        bad = [*_bad_beside(self, other), *_bad_beside(other, self), *shared(self.bad, other.bad)]
        return Radio(joined(sorted(bad)), known, max(self.step_s, other.step_s))


def radio_of(readings: Readings, profile: ControlProfile = PROFILE, method: Method = METHOD) -> Radio:
    """A reading speaks until the next one, at most `hold_s`; a reading without any of the measures says nothing."""
    said = ~(np.isnan(readings.rtt_ms) & np.isnan(readings.loss_ratio) & np.isnan(readings.sinr_db))
    from_s = readings.time_s[said]
    if not len(from_s):
        return Radio((), ())
    until_s = np.minimum(np.append(from_s[1:], np.inf), from_s + method.hold_s)
    with np.errstate(invalid="ignore"):
        out = (
            (readings.rtt_ms[said] > profile.rtt_ms)
            | (readings.loss_ratio[said] > profile.loss_ratio)
            | (readings.sinr_db[said] < profile.sinr_db)
        )
    known = joined(map(Span, from_s.tolist(), until_s.tolist()))
    bad = joined(map(Span, from_s[out].tolist(), until_s[out].tolist()), method.join_s)
    step_s = float(np.median(np.diff(from_s))) if len(from_s) > 1 else method.hold_s
    return Radio([span for span in bad if span.length_s >= method.least_s], known, min(step_s, method.hold_s))


def cell_seconds(readings: Readings, spans: Sequence[Span], hold_s: float = METHOD.hold_s) -> dict[str, float]:
    """How long each cell served during these spans."""
    found: dict[str, float] = {}
    for span in spans:
        first, last = np.searchsorted(readings.time_s, [span.from_s, span.until_s])
        for at in range(max(first - 1, 0), last):
            begins = float(readings.time_s[at])
            ends = float(readings.time_s[at + 1]) if at + 1 < len(readings.time_s) else begins + hold_s
            inside = min(ends, begins + hold_s, span.until_s) - max(begins, span.from_s)
            cell = readings.cells[at]
            if cell is not None and inside > 0:
                found[cell] = found.get(cell, 0.0) + inside
    return {cell: round(seconds, 3) for cell, seconds in sorted(found.items())}


def _bad_beside(one: Radio, other: Radio) -> list[Span]:
    """Bad of one while nothing is known of the other."""
    from streams.attribution.spans import without

    return without(one.bad, other.known)
