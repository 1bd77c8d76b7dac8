"""Measured values as text: a number, a comma list of numbers (the bins of a histogram), or nothing."""

from typing import Any, Final

from connectors.network.decoded import RefusedPartError
from schemas.events.fields import LARGEST

_MOST_BINS: Final = 4096
_NOTHING: Final = frozenset({"", "NIL", "NULL"})


def number(text: str) -> float:
    """A decimal number; raises RefusedPartError for anything else (also `nan`, `1_000` and digits of other scripts)."""
    try:
        value = float(text)
    except ValueError:
        raise RefusedPartError(f"{text[:40]!r} is no number") from None
    if not (-LARGEST <= value <= LARGEST and text.isascii()) or "_" in text:
        raise RefusedPartError(f"{text[:40]!r} is no number we take")
    return value


def measured(name: str, text: str) -> list[dict[str, Any]]:
    """The measurement of a report: `value` (null when the text is blank, NIL or NULL), or `bins` from a comma list.

    An event's bins are all numbers: a list with blanks in it becomes a measurement per bin, with its label.
    """
    if "," not in text:
        return [{"name": name, "value": _value(text)}]
    values = [_value(element) for element in text.split(",")]
    if len(values) > _MOST_BINS:
        raise RefusedPartError(f"{len(values)} bins, at most {_MOST_BINS}")
    if None in values:
        return [{"name": name, "value": value, "labels": {"bin": str(i)}} for i, value in enumerate(values)]
    return [{"name": name, "bins": values}]


def _value(text: str) -> float | None:
    stripped = text.strip()
    return None if stripped.upper() in _NOTHING else number(stripped)


def flag(given: object) -> bool | None:
    """A suspect flag, which files and VES write as text; None where it is absent or blank."""
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, str):
        text = given.strip().lower()
        if text in ("", "true", "false", "1", "0"):
            return None if not text else text in ("true", "1")
    raise RefusedPartError(f"suspect flag {given!r} is neither true nor false")
