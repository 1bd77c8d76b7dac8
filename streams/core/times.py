"""Event times: RFC 3339 texts to epoch microseconds, a whole batch at once.

The common form is parsed by Arrow; any other text goes through the one parser that also validates
(`is_time`), so both agree on what a time is.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.moments import microseconds_of

Int64Array = npt.NDArray[np.int64]
TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
_COMMON: Final = r"^(19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"


def is_time(text: object) -> bool:
    """Whether `text` is an RFC 3339 date-time with an offset."""
    return microseconds_of(text) is not None


def microseconds(column: pa.Array) -> tuple[Int64Array, list[int]]:
    """Epoch microseconds of each text, and the positions of those that are no time (their value is 0)."""
    if pc.all(pc.match_substring_regex(column, _COMMON), min_count=0).as_py():
        try:
            return pc.cast(column, TIMESTAMP).cast(pa.int64()).to_numpy(), []
        except pa.ArrowInvalid:
            pass  # a text of the common form that is no date, such as 30 February: find it one by one
    parsed = [microseconds_of(text) for text in column.to_pylist()]
    values = np.array([0 if value is None else value for value in parsed], dtype=np.int64)
    return values, [position for position, value in enumerate(parsed) if value is None]
