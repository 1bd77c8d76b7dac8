"""The common header: who speaks, of what, since when; and in which unit its epoch numbers are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.network.decoded import RefusedPartError
from connectors.ves.fields import Block, optional

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Seconds from 2000-01-01 to 2036-01-01. A thousand times as much is far above the end, so the ranges of s, ms, µs and
# ns do not overlap and the unit can be told.
_FIRST_S: Final = 946_684_800
_END_S: Final = 2_082_758_400
_UNITS: Final = {"us": 1_000_000, "ms": 1_000, "s": 1, "ns": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class Header:
    """`last`: when it happened, the end of a period; `marks`: what events say of a repaired time."""

    domain: str
    event_id: str | None
    element: str
    vendor: str | None
    started: datetime | None
    last: datetime
    marks: Mapping[str, Any]


def read_header(header: Block, notes: Counter[str]) -> Header:
    """The header's values; raises RefusedPartError for a version nobody knows, no source, or a time in no range.

    Header fields that the standard requires but nothing here needs may be missing: real senders leave them out.
    """
    _check_version(header, "vesEventListenerVersion", "7")
    _check_version(header, "version", "4")
    element = optional(header, "sourceName") or optional(header, "reportingEntityName")
    if element is None:
        raise RefusedPartError("sourceName is missing or blank")
    last, unit = epoch(header, "lastEpochMicrosec")
    started = epoch(header, "startEpochMicrosec")[0] if header.get("startEpochMicrosec") is not None else None
    if unit != "us":
        notes[f"epoch_in_{unit}"] += 1
    return Header(
        str(header["domain"]),
        optional(header, "eventId"),
        element,
        optional(header, "nfVendorName"),
        started,
        last,
        {} if unit == "us" else {"epoch_unit": unit},
    )


def epoch(of: Block, name: str) -> tuple[datetime, str]:
    """The moment in an epoch field and the unit it is in, told by its range; raises where it lies in none."""
    given = of.get(name)
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise RefusedPartError(f"{name} is missing or no whole number")
    for unit, per_second in _UNITS.items():
        if _FIRST_S * per_second <= given < _END_S * per_second:
            return _EPOCH + timedelta(microseconds=given * 1_000_000 // per_second), unit
    raise RefusedPartError(f"{name} {str(given)[:40]} is no time between 2000 and 2036 in s, ms, µs or ns")


def _check_version(header: Block, name: str, major: str) -> None:
    version = optional(header, name)
    if version is not None and version.partition(".")[0] != major:
        raise RefusedPartError(f"{name} {version} is not {major}.x")
