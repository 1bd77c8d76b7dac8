"""Boxes: number, size and weight. Tare 2.2 t (20 ft) and 3.8 t (40, 45 ft), gross at most 30.5 t."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from connectors.simulator.identities import container_numbers

_CODES: Final = {
    20: (("22G1", "22R1", "22T0", "22U1"), (85, 8, 4, 3)),
    40: (("42G1", "45G1", "45R1", "42P1"), (30, 55, 13, 2)),
    45: (("L5G1",), (1,)),
}
_TARE_T: Final = {20: 2.2, 40: 3.8, 45: 3.8}
_MAX_GROSS_T: Final = 30.5
_EMPTY_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class Box:
    """A container as it is handled; `gross_t` with its tare."""

    number: str
    length_ft: int
    iso_code: str
    gross_t: float
    empty: bool

    def milestone(self, what: str, **more: Any) -> dict[str, Any]:
        """Data of a cargo milestone of this box."""
        return {
            "equipment_reference": self.number,
            "milestone": what,
            "iso_equipment_code": self.iso_code,
            "empty": self.empty,
            **more,
        }


class Boxes:
    """Makes boxes that were never seen before."""

    def __init__(self, dice: Random) -> None:
        self._numbers: Iterator[str] = container_numbers(dice)

    def new(self, dice: Random, length_ft: int | None = None) -> Box:
        """A box of the given length class, or of any."""
        length = length_ft or dice.choices((20, 40, 45), (35, 62, 3))[0]
        codes, weights = _CODES[length]
        code = dice.choices(codes, weights)[0]
        empty = dice.random() < _EMPTY_SHARE
        payload_t = 0.0 if empty else min(dice.lognormvariate(2.5, 0.45), _MAX_GROSS_T - _TARE_T[length])
        return Box(next(self._numbers), length, code, round(_TARE_T[length] + payload_t, 2), empty)
