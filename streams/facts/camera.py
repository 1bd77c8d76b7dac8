"""What the cameras of a gate read of one visit: right at first pass or not, and which container it was.

Plates are left out: they are personal, and whoever folds may not read them (gate_minute counts their readings).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.facts import CorrectedBy
from schemas.identifiers import container_problem
from streams.facts.fact import Row
from streams.facts.order import told_once
from streams.facts.repair import accepted, normalised

_RANKS: Final = {"container": 0, "iso_type": 1, "seal": 2}
_SAME: Final = ("gate_id", "lane", "kind", "value", "corrected_value")


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings of one visit in the order of time, without plates."""

    rows: Sequence[Row]

    @property
    def corrected(self) -> int:
        """Readings that a person set right."""
        return sum(row["corrected_value"] is not None for row in self.rows)

    @property
    def container_reads(self) -> int:
        return len(self._containers)

    @property
    def check_digit_failures(self) -> int:
        """Container readings that are no container number (ISO 6346), those with nothing read among them."""
        return sum(container_problem(normalised(row["value"])) is not None for row in self._containers)

    @property
    def first_pass(self) -> bool | None:
        """Whether the first reading of each kind in each lane was right: not corrected, a container by its check too."""
        first: dict[tuple[str, str, str], bool] = {}
        for row in self.rows:
            first.setdefault((row["gate_id"], row["lane"], row["kind"]), _is_right(row))
        return all(first.values()) if first else None

    def container(self, written: Sequence[str]) -> tuple[str | None, CorrectedBy | None]:
        """The container of the visit and who set it right; `written` are the references in the steps, by time.

        A person's correction counts first, then a valid number in the steps, a valid reading, a reading whose one
        repair is awaited (it is one of those), and last what the steps say, valid or not.
        """
        by_person = [normalised(row["corrected_value"]) for row in self._containers if row["corrected_value"]]
        read = [normalised(row["value"]) for row in self._containers]
        awaited = [number for number in (*by_person, *map(normalised, written), *read) if _is_valid(number)]
        named = [*awaited, *map(normalised, written)]
        if by_person:
            return by_person[0], "person"
        repaired = any(accepted(row["value"], awaited) for row in self._containers)
        return (named[0] if named else None), ("repair" if repaired else None)

    @property
    def _containers(self) -> list[Row]:
        return [row for row in self.rows if row["kind"] == "container"]


def readings_of(rows: Iterable[Row]) -> Readings:
    """The readings of one visit, whatever order they come in; a reading told twice counts once."""
    judged = (row for row in rows if row["kind"] in _RANKS)
    return Readings(told_once(judged, _SAME, lambda row: _RANKS[row["kind"]]))


def _is_valid(number: str) -> bool:
    return container_problem(number) is None


def _is_right(row: Row) -> bool:
    corrected, value = row["corrected_value"], row["value"]
    if corrected is not None and corrected != value:
        return False
    return row["kind"] != "container" or _is_valid(normalised(value))
