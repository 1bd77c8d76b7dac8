"""What a camera may have meant by a container number that fails ISO 6346: proposals, never silent changes.

A character of the wrong class is taken for its look-alike (domain words: letters stand at 0 to 3, digits at 4 to 10),
and only what then passes every rule, the check digit among them, is proposed. The text as it was read is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.identifiers import container_problem

_LETTERS: Final = 4
_LENGTH: Final = 11
_AS_LETTER: Final = {"0": "O", "1": "I", "8": "B", "5": "S", "2": "Z", "6": "G"}
_AS_DIGIT: Final = {"O": "0", "Q": "0", "D": "0", "I": "1", "B": "8", "S": "5", "Z": "2", "G": "6"}
_SPACING: Final = str.maketrans("", "", " -/")
# One in eleven texts passes a check digit by chance: what needs more changes than this is no misreading but a guess.
_MOST_CHANGES: Final = 3


class Change(NamedTuple):
    """One character taken for another; `position` counts from 0."""

    position: int
    read: str
    meant: str


@dataclass(frozen=True, slots=True)
class Repair:
    """`value` is proposed for `original`, the text as it was read; `expected` = that container was awaited."""

    original: str
    value: str
    changes: tuple[Change, ...]
    expected: bool


def normalised(text: str) -> str:
    """Trimmed, in capitals, without blanks, `-` and `/`: `csqu 305438-3` → `CSQU3054383`. The caller keeps `text`."""
    return text.strip().upper().translate(_SPACING)


def proposals(text: str, expected: Iterable[str] = ()) -> tuple[Repair, ...]:
    """Every container number that `text` may be a misreading of: awaited ones first, then by fewest changes.

    Empty for a text that is a container number (nothing to repair) and for one that no look-alikes explain.
    """
    number = normalised(text)
    if len(number) != _LENGTH or container_problem(number) is None:
        return ()
    awaited = {normalised(container) for container in expected}
    found = [Repair(text, value, changes, value in awaited) for value, changes in _meant(number)]
    return tuple(sorted(found, key=lambda repair: (not repair.expected, len(repair.changes), repair.value)))


def accepted(text: str, expected: Iterable[str]) -> Repair | None:
    """The one proposal that is awaited; None where there is none, or more than one. Whoever applies it says so."""
    awaited = [repair for repair in proposals(text, expected) if repair.expected]
    return awaited[0] if len(awaited) == 1 else None


def _meant(number: str) -> Iterable[tuple[str, tuple[Change, ...]]]:
    """A character of the right class was read right; one of the wrong class has at most one look-alike of the right."""
    changes = tuple(_changes(number))
    if 0 < len(changes) <= _MOST_CHANGES:
        value = list(number)
        for position, _, meant in changes:
            value[position] = meant
        if container_problem("".join(value)) is None:
            yield "".join(value), changes


def _changes(number: str) -> Iterable[Change]:
    for position, character in enumerate(number):
        look_alikes = _AS_LETTER if position < _LETTERS else _AS_DIGIT
        if character in look_alikes:
            yield Change(position, character, look_alikes[character])
