"""A granularity period: its length as an ISO 8601 duration, and the moment it ends."""

import re
from datetime import UTC, datetime
from typing import Final

from connectors.network.decoded import RefusedPartError

_DURATION: Final = re.compile(
    r"P(?:(?P<d>[0-9]{1,5})D)?(?:T(?:(?P<h>[0-9]{1,7})H)?(?:(?P<m>[0-9]{1,9})M)?(?:(?P<s>[0-9]{1,10})(?:\.0+)?S)?)?"
)
_SECONDS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def whole_seconds(text: str | None) -> int:
    """`PT900S`, `PT15M`, `PT1H`, `P1D` in seconds; raises RefusedPartError for anything else."""
    found = _DURATION.fullmatch((text or "").strip())
    seconds = sum(int(found[name] or 0) * factor for name, factor in _SECONDS.items()) if found else 0
    if not 0 < seconds < 2**31:
        raise RefusedPartError(f"duration {str(text)[:40]!r} is no whole number of seconds")
    return seconds


def end_time(text: str | None) -> datetime:
    """The moment in UTC; a text without offset is refused, never guessed."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise RefusedPartError(f"endTime {str(text)[:40]!r} is no time with offset")
