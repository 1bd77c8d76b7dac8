"""DTM (UN/EDIFACT 2379) to moments and back. 101, 102, 201, 203 and 204 carry no zone: they are local times."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from connectors.messages.said import RefusedPartError

_LOCAL: Final = {
    "101": "%y%m%d",
    "102": "%Y%m%d",
    "201": "%y%m%d%H%M",
    "203": "%Y%m%d%H%M",
    "204": "%Y%m%d%H%M%S",
}
_LENGTHS: Final = {"101": 6, "102": 8, "201": 10, "203": 12, "204": 14}
_DAYS: Final = frozenset({"101", "102"})
_ZONED: Final = re.compile(r"([0-9]{12})([+-]?)([0-9]{2})([0-9]{2})")
_NAMED: Final = re.compile(r"([0-9]{12})(UTC|GMT)")


def moment(text: str, form: str, zone: timezone) -> datetime:
    """The moment that a DTM names, in UTC; `zone` is of local times. A day begins at midnight. Raises RefusedPartError."""
    try:
        return _moment(text, form, zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RefusedPartError(f"DTM {text[:30]!r} is no time of format {form or 'nothing'} ({error})") from None


def is_day(form: str) -> bool:
    """Whether a format names a day only."""
    return form in _DAYS


def local_text(at: datetime, zone: timezone) -> tuple[str, str]:
    """A moment as a local time and its format: 203, or 204 where there are seconds."""
    form = "204" if at.second else "203"
    return at.astimezone(zone).strftime(_LOCAL[form]), form


def _moment(text: str, form: str, zone: timezone) -> datetime:
    if form in _LOCAL:
        if len(text) != _LENGTHS[form] or not (text.isascii() and text.isdecimal()):
            raise ValueError(f"not {_LENGTHS[form]} digits")
        return datetime.strptime(text, _LOCAL[form]).replace(tzinfo=zone)
    if form == "205" and (found := _ZONED.fullmatch(text)):
        apart = timedelta(hours=int(found[3]), minutes=int(found[4]))
        return datetime.strptime(found[1], _LOCAL["203"]).replace(tzinfo=timezone(-apart if found[2] == "-" else apart))
    if form == "303" and (found := _NAMED.fullmatch(text)):
        return datetime.strptime(found[1], _LOCAL["203"]).replace(tzinfo=UTC)
    raise ValueError("read are 101, 102, 201, 203, 204, 205, and 303 in UTC")
