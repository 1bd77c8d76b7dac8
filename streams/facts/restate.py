"""What a fold changes: folded facts against stored ones. Pure; who reads and writes is connectors/timescale/refolds.py."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from schemas.facts import FactTable
from streams.facts.fact import OPEN, Fact

Reason = Literal["late", "replayed", "withdrawn", "definition"]

# Carried from one fold to the next: part of a fact, but no statement about the port.
UNSTATED: Final = frozenset({"state"})
# Sums of the same rows, begun at another row, differ in the last digits.
RELATIVE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Stored:
    """A fact as the store has it."""

    key: str
    values: Mapping[str, Any]
    revision: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """What must be written.

    `new` facts, `progressed` ones that were open (same revision), `restated` ones (next revision), `withdrawn` ones
    that nothing supports any more, and `carried` ones where only what is unstated changed.
    """

    new: tuple[Fact, ...] = ()
    progressed: tuple[Fact, ...] = ()
    restated: tuple[tuple[Stored, Fact], ...] = ()
    withdrawn: tuple[Stored, ...] = ()
    carried: tuple[Fact, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.progressed or self.restated or self.withdrawn or self.carried)


def compare(table: FactTable, stored: Iterable[Stored], folded: Sequence[Fact]) -> Changes:
    """Raises ValueError for a fold that gives one key twice."""
    before = {fact.key: fact for fact in stored}
    after = {fact.key: fact for fact in folded}
    if len(after) < len(folded):
        raise ValueError(f"the fold of {table.kind} gives a key twice: {sorted(fact.key for fact in folded)}")
    new, progressed, restated, carried = [], [], [], []
    for key, fact in after.items():
        known = before.get(key)
        if known is None:
            new.append(fact)
        elif not same(table, known.values, fact.values):
            if known.values["outcome"] == OPEN:
                progressed.append(fact)
            else:
                restated.append((known, fact))
        elif any(known.values[name] != fact.values[name] for name in UNSTATED & known.values.keys()):
            carried.append(fact)
    withdrawn = tuple(known for key, known in before.items() if key not in after)
    return Changes(tuple(new), tuple(progressed), tuple(restated), withdrawn, tuple(carried))


def same(table: FactTable, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two facts state the same."""
    return all(_equal(one[name], other[name]) for name in table.column_names if name not in UNSTATED)


def coincides(table: FactTable, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two facts are the same in all they state and carry: what is folded after them is the same too."""
    return same(table, one, other) and all(one[name] == other[name] for name in UNSTATED & one.keys())


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        if one is None or other is None:
            return one is other
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=RELATIVE)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    return bool(one == other)
