"""JSON values out of messages: a text, an object, a moment, each where it must be or may be; and what stands where."""

from typing import Any, Final

from connectors.kafka.outgoing import parse_time, time_text
from connectors.messages.said import RefusedPartError

_SMDG: Final = "SMDG"


def text(value: dict[str, Any], *names: str) -> str:
    """The first of these members that is there, as a text; empty where none is. Raises RefusedPartError for another type."""
    for name in names:
        found = value.get(name)
        if found is None:
            continue
        if not isinstance(found, str):
            raise RefusedPartError(f"{name} is no text")
        if found.strip():
            return found.strip()
    return ""


def needed(value: dict[str, Any], *names: str) -> str:
    """As `text`; raises RefusedPartError where there is none."""
    found = text(value, *names)
    if not found:
        raise RefusedPartError(f"{names[0]} is missing")
    return found


def part(value: dict[str, Any], *names: str) -> dict[str, Any]:
    """The first of these members that is an object, or an empty one."""
    return next((found for name in names if isinstance(found := value.get(name), dict)), {})


def time(value: dict[str, Any], *names: str) -> str:
    """A time with offset, in UTC; raises RefusedPartError."""
    given = needed(value, *names)
    at = parse_time(given)
    if at is None:
        raise RefusedPartError(f"{names[0]} {given[:40]} is not RFC 3339 with offset")
    return time_text(at)


def terminal(*places: dict[str, Any]) -> tuple[str, str]:
    """UN/LOCODE and terminal code of the first place that names a port; the code from the first that has one there."""
    locode = next((found for place in places if (found := text(place, "UNLocationCode"))), "")
    for place in places:
        inner = part(place, "facility") or place
        code = text(inner, "facilityCode")
        provider = text(inner, "facilityCodeListProvider") or _SMDG
        if code and provider == _SMDG and text(place, "UNLocationCode") in ("", locode):
            return locode, code
    return locode, ""


def filled(facts: dict[str, Any]) -> dict[str, Any]:
    """Without what is absent."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}
