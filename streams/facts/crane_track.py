"""The track of a crane: its samples with every reading carried forward, one row per moment, and how it moved.

Row 0 of a track that goes on from a state is that state, so that what follows joins what was. All of it is numpy;
the state machine (crane_walk.py) only touches rows with edges.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.facts.crane_samples import FLAGS, MODE, MODES, NUMBERS, Codes, Numbers, Samples, Times
from streams.facts.crane_state import CraneState

GAP_US: Final = 60_000_000
MOVES_MPS: Final = 0.05
_MICROSECONDS: Final = 1e6
_AXES: Final = ("hoist", "trolley", "gantry")

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Track:
    """Rows 0 … n-1. `landed`, `locked` are what a row said itself (-1: nothing), all else is carried forward.

    `moved_us` holds, for hoisting, trolleying and lowering, the µs since row 0; `gaps` and `falls` are the rows
    that come more than GAP_US after the one before, and those where the energy meter fell.
    """

    time_us: Times
    said: Mapping[str, Codes]
    numbers: Mapping[str, Numbers]
    load_said: Marks
    moved_us: tuple[Times, Times, Times]
    gaps: list[int]
    falls: list[int]

    def number(self, name: str, at: int) -> float | None:
        """A carried reading, or None where it was never given."""
        value = float(self.numbers[name][at])
        return None if np.isnan(value) else value

    def mode(self, at: int) -> str | None:
        code = int(self.said[MODE][at])
        return None if code < 0 else MODES[code]

    def flag(self, name: str, at: int) -> int:
        return int(self.said[name][at])

    def readings(self, at: int) -> dict[str, Any]:
        """What is carried forward from a row, as plain JSON."""
        return {MODE: self.mode(at)} | {name: self.number(name, at) for name in NUMBERS}


def lay_track(samples: Samples, state: CraneState | None) -> Track:
    """The track of samples, joined to where `state` left off (samples up to then are passed over)."""
    if state is not None:
        samples = samples.after(state.time_us)
    times = _with_first(None if state is None else state.time_us, samples.time_us)
    codes = {name: _codes(samples, name, state) for name in (*FLAGS, MODE)}
    numbers = {name: _numbers(samples, name, state) for name in NUMBERS}
    load_said = ~np.isnan(numbers["load_t"])
    if state is not None and len(load_said):
        load_said[0] = False
    carried = {name: _carry(column, ~np.isnan(column)) for name, column in numbers.items()}
    codes[MODE] = _carry(codes[MODE], codes[MODE] >= 0)
    return _track(*_one_row_per_moment(times, codes, carried, load_said))


def _track(times: Times, codes: dict[str, Codes], numbers: dict[str, Numbers], load_said: Marks) -> Track:
    lasts_us = np.diff(times)
    gaps = np.flatnonzero(lasts_us > GAP_US)
    energy = numbers["energy_total_kwh"]
    falls = np.flatnonzero(energy[1:] < energy[:-1]) + 1
    moved = _movements(lasts_us, numbers, gaps)
    return Track(times, codes, numbers, load_said, moved, (gaps + 1).tolist(), falls.tolist())


def _movements(lasts_us: Times, numbers: dict[str, Numbers], gaps: Times) -> tuple[Times, Times, Times]:
    """Every µs is exactly one of hoisting, lowering, trolleying (or gantry) and waiting, in this order of priority.

    Between two samples the earlier one's speed holds. Nothing is known of a gap, so nothing moved in it.
    """
    hoist, trolley, gantry = (_speed(axis, lasts_us, numbers) for axis in _AXES)
    up, down = hoist > MOVES_MPS, hoist < -MOVES_MPS
    across = ((np.abs(trolley) > MOVES_MPS) | (np.abs(gantry) > MOVES_MPS)) & ~up & ~down
    for which in (up, across, down):
        which[gaps] = False
    return _summed(lasts_us, up), _summed(lasts_us, across), _summed(lasts_us, down)


def _speed(axis: str, lasts_us: Times, numbers: dict[str, Numbers]) -> Numbers:
    """The speed of an axis from each row to the next (m/s): as told, else from positions, else NaN (no movement)."""
    told = numbers[f"{axis}_speed_mps"][:-1]
    unknown = np.isnan(told)
    if not unknown.any():
        return told
    way_m = np.diff(numbers[f"{axis}_position_m"])
    return np.where(unknown, way_m / (lasts_us / _MICROSECONDS), told)


def _summed(lasts_us: Times, which: Marks) -> Times:
    total = np.zeros(len(lasts_us) + 1, np.int64)
    np.cumsum(lasts_us * which, out=total[1:])
    return total


def _with_first(first: int | None, times: Times) -> Times:
    return times if first is None else np.concatenate((np.array([first], np.int64), times))


def _codes(samples: Samples, name: str, state: CraneState | None) -> Codes:
    """The column of codes; row 0 of a flag says nothing: what held before is kept by the edges."""
    column = samples.codes.get(name)
    if column is None:
        column = np.full(len(samples), -1, np.int8)
    if state is None:
        return column
    first = MODES.index(state.mode) if name == MODE and state.mode is not None else -1
    return np.concatenate((np.array([first], np.int8), column))


def _numbers(samples: Samples, name: str, state: CraneState | None) -> Numbers:
    column = samples.numbers.get(name)
    if column is None:
        column = np.full(len(samples), np.nan)
    if state is None:
        return column
    value = state.readings.get(name)
    return np.concatenate((np.array([np.nan if value is None else value]), column))


def _carry(column: Any, said: Marks) -> Any:
    if said.all():
        return column
    rows = np.where(said, np.arange(len(column)), 0)
    np.maximum.accumulate(rows, out=rows)
    return column[rows]


def _one_row_per_moment(
    times: Times, codes: dict[str, Codes], numbers: dict[str, Numbers], load_said: Marks
) -> tuple[Times, dict[str, Codes], dict[str, Numbers], Marks]:
    """Rows of one time become one: of each flag what was said last, of carried columns the last row."""
    if len(times) < 2 or np.all(times[1:] != times[:-1]):
        return times, codes, numbers, load_said
    last = np.append(np.flatnonzero(times[1:] != times[:-1]), len(times) - 1)
    first = np.concatenate(([0], last[:-1] + 1))
    flags = {name: _last_said(codes[name], first, last) for name in FLAGS}
    carried = {name: column[last] for name, column in numbers.items()}
    return times[last], {**flags, MODE: codes[MODE][last]}, carried, np.logical_or.reduceat(load_said, first)


def _last_said(column: Codes, first: Times, last: Times) -> Codes:
    rows = np.where(column >= 0, np.arange(len(column)), -1)
    latest = np.maximum.accumulate(rows)[last]
    said: Codes = np.where(latest >= first, column[latest], -1).astype(np.int8)
    return said
