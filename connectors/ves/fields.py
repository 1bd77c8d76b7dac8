"""Fields of JSON objects, taken with a check: what is missing or of another kind is refused with its name."""

from collections.abc import Mapping
from typing import Any

from connectors.network.decoded import RefusedPartError
from schemas.events.fields import LARGEST

Block = Mapping[str, Any]
_LONGEST_WORD = 512
_LONGEST_TEXT = 65_536


def block(of: Block, name: str) -> Block:
    """A member that is an object."""
    found = of.get(name)
    if not isinstance(found, dict):
        raise RefusedPartError(f"{name} is missing or no object")
    return found


def items(of: Block, name: str) -> list[Any]:
    """A member that is a list."""
    found = of.get(name)
    if not isinstance(found, list):
        raise RefusedPartError(f"{name} is missing or no list")
    return found


def word(of: Block, name: str) -> str:
    """A member that is a text and not blank."""
    found = optional(of, name)
    if found is None:
        raise RefusedPartError(f"{name} is missing or blank")
    return found


def optional(of: Block, name: str, longest: int = _LONGEST_WORD) -> str | None:
    """A text, or None where it is absent or blank; a number counts as the text it is written as."""
    found = of.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise RefusedPartError(f"{name} is no text")
    text = str(found).strip()
    if len(text) > longest or "\0" in text:
        raise RefusedPartError(f"{name} is too long or holds a NUL")
    return text or None


def text(of: Block, name: str) -> str | None:
    """A longer text, or None."""
    return optional(of, name, _LONGEST_TEXT)


def seconds(of: Block, name: str) -> int:
    """A whole number of seconds above 0; 60.0 counts as 60."""
    found = of.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 2**31 or found != int(found):
        raise RefusedPartError(f"{name} {found!r} is no whole number of seconds")
    return int(found)


def real(of: Block, name: str) -> float:
    """A number in the range that events take."""
    found = of.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not -LARGEST <= found <= LARGEST:
        raise RefusedPartError(f"{name} {str(found)[:40]} is no number we take")
    return float(found)


def extras(**given: Any) -> dict[str, Any]:
    """What is kept beside the known fields of an event: all that is there."""
    return {name: value for name, value in given.items() if value is not None}
