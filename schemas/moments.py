"""RFC 3339 texts to moments: the one parser that models, the hot decoder and columns share."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

RFC3339_PATTERN: Final = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"
_Aware = Annotated[datetime, msgspec.Meta(tz=True)]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds_of(text: object) -> int | None:
    """Epoch microseconds of an RFC 3339 date-time with an offset; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        moment = msgspec.convert(text, _Aware)
        return (moment - _EPOCH) // _MICROSECOND
    except (msgspec.ValidationError, OverflowError):
        return None
