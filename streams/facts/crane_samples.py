"""Samples of one crane as columns: what the fold of crane cycles reads, ten rows a second, so no row is an object.

How edges and movements are found in them is crane_track.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.facts.fact import Row

Times = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.float64]

MODES: Final = ("single", "twin", "tandem", "quad")
FLAGS: Final = ("spreader_landed", "spreader_locked")
MODE: Final = "spreader_mode"
NUMBERS: Final = (
    "load_t",
    "hoist_position_m",
    "trolley_position_m",
    "gantry_position_m",
    "hoist_speed_mps",
    "trolley_speed_mps",
    "gantry_speed_mps",
    "spreader_length_ft",
    "energy_total_kwh",
)
COLUMNS: Final = ("time", *FLAGS, MODE, *NUMBERS)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CODES: Final[dict[Any, int]] = {None: -1, **{mode: code for code, mode in enumerate(MODES)}}


@dataclass(frozen=True, slots=True)
class Samples:
    """Columns of equal length, in order of time: `time_us` are epoch µs.

    `codes` has `spreader_landed`, `spreader_locked` (0, 1) and `spreader_mode` (an index into MODES), -1 where the
    sample did not say; `numbers` has the columns of NUMBERS, NaN where it did not. A column nobody ever sends may
    be absent. Raises ValueError where the times fall.
    """

    time_us: Times
    codes: Mapping[str, Codes]
    numbers: Mapping[str, Numbers]

    def __post_init__(self) -> None:
        if len(self.time_us) > 1 and np.any(self.time_us[1:] < self.time_us[:-1]):
            raise ValueError("samples of a crane are not in order of time: order them by (time, event_id)")

    def __len__(self) -> int:
        return len(self.time_us)

    def after(self, time_us: int) -> "Samples":
        """Those later than a moment."""
        first = int(np.searchsorted(self.time_us, time_us, side="right"))
        return self if first == 0 else self._from(first)

    def _from(self, first: int) -> "Samples":
        codes = {name: column[first:] for name, column in self.codes.items()}
        numbers = {name: column[first:] for name, column in self.numbers.items()}
        return Samples(self.time_us[first:], codes, numbers)

    @classmethod
    def of_columns(cls, columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]]) -> "Samples":
        """From columns named as in `port.crane_sample`, with None where nothing was said.

        `time` is aware datetimes, int64 epoch µs or numpy `datetime64`; number columns may be float arrays with NaN.
        Columns that no cycle needs are passed over.
        """
        codes = {name: _flags(columns[name]) for name in FLAGS if name in columns}
        if MODE in columns:
            codes[MODE] = _modes(columns[MODE])
        numbers = {name: np.asarray(columns[name], dtype=np.float64) for name in NUMBERS if name in columns}
        return cls(_times(columns["time"]), codes, numbers)

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> "Samples":
        """From stored rows, ordered by (time, event_id)."""
        return cls.of_columns({name: [row.get(name) for row in rows] for name in COLUMNS})


def to_us(moment: datetime) -> int:
    """Epoch µs of an aware moment."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(time_us: int) -> datetime:
    """The aware UTC moment of epoch µs."""
    return EPOCH + timedelta(microseconds=time_us)


def _times(column: Sequence[Any] | npt.NDArray[Any]) -> Times:
    if isinstance(column, np.ndarray):
        return column.astype("datetime64[us]").astype(np.int64) if column.dtype.kind == "M" else column.astype(np.int64)
    return np.array([to_us(at) if isinstance(at, datetime) else at for at in column], dtype=np.int64)


def _flags(column: Sequence[Any] | npt.NDArray[Any]) -> Codes:
    if isinstance(column, np.ndarray) and column.dtype != np.object_:
        return column.astype(np.int8)
    return np.array([-1 if flag is None else flag for flag in column], dtype=np.int8)


def _modes(column: Sequence[Any] | npt.NDArray[Any]) -> Codes:
    if isinstance(column, np.ndarray) and column.dtype != np.object_:
        return column.astype(np.int8)
    return np.array([_CODES[mode] for mode in column], dtype=np.int8)
