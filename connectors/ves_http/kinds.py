"""What a JSON value may be: the few kinds that the common event format is made of, and the first thing wrong with a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Need = Literal["needed", "standard"]


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` of the member, and `why` its value cannot be; None where it is missing."""

    path: str
    why: str | None = None

    def text(self) -> str:
        """One line."""
        return f"{self.path} is missing" if self.why is None else f"{self.path}: {self.why}"


# A check: the value, where it stands, and whose requirements hold.
Kind = Callable[[Any, str, Need], Problem | None]


def text(value: Any, at: str, _need: Need) -> Problem | None:
    """Any text."""
    return None if isinstance(value, str) else Problem(at, "not a text")


def number(value: Any, at: str, _need: Need) -> Problem | None:
    """Any number."""
    return None if isinstance(value, int | float) and not isinstance(value, bool) else Problem(at, "not a number")


def integer(value: Any, at: str, _need: Need) -> Problem | None:
    """A whole number."""
    return None if isinstance(value, int) and not isinstance(value, bool) else Problem(at, "not a whole number")


def thing(value: Any, at: str, _need: Need) -> Problem | None:
    """Any object."""
    return None if isinstance(value, dict) else Problem(at, "not an object")


def texts(value: Any, at: str, _need: Need) -> Problem | None:
    """An object of texts (`hashMap`)."""
    if not isinstance(value, dict):
        return Problem(at, "not an object")
    return next(
        (Problem(f"{at}.{name}", "not a text") for name, one in value.items() if not isinstance(one, str)), None
    )


def one_of(*words: str) -> Kind:
    """One of these texts."""

    def check(value: Any, at: str, _need: Need) -> Problem | None:
        return None if value in words else Problem(at, f"{str(value)[:40]} is none of {', '.join(words)}")

    return check


def version(*words: str) -> Kind:
    """One of these texts; or a number that is written so, as the standard's own example has it."""

    def check(value: Any, at: str, _need: Need) -> Problem | None:
        is_known = isinstance(value, str | float) and str(value) in words
        return None if is_known else Problem(at, f"{str(value)[:40]} is none of {', '.join(words)}")

    return check


def list_of(kind: Kind) -> Kind:
    """A list whose members are of this kind."""

    def check(value: Any, at: str, need: Need) -> Problem | None:
        if not isinstance(value, list):
            return Problem(at, "not a list")
        found = (kind(one, f"{at}[{position}]", need) for position, one in enumerate(value))
        return next((problem for problem in found if problem), None)

    return check


def shape(needed: str, required: str, **members: Kind) -> Kind:
    """An object: `needed` must be there for us, `required` beside it by the standard; other members are welcome."""
    lists: Mapping[Need, list[str]] = {"needed": needed.split(), "standard": [*needed.split(), *required.split()]}

    def check(value: Any, at: str, need: Need) -> Problem | None:
        if not isinstance(value, dict):
            return Problem(at, "not an object")
        missing = next((name for name in lists[need] if name not in value), None)
        if missing is not None:
            return Problem(f"{at}.{missing}")
        found = (kind(value[name], f"{at}.{name}", need) for name, kind in members.items() if name in value)
        return next((problem for problem in found if problem), None)

    return check
