"""Valid identifiers of things that do not exist: containers of invented owners, ships, truck plates."""

from collections.abc import Iterator
from random import Random
from typing import Final

from schemas.identifiers import container_check_digit, has_remainder_10

_OWNERS: Final = ("QSY", "TNV", "QSP", "TNH")
_SERIALS: Final = 1_000_000
_STRIDE: Final = 390_503  # coprime to the number of serials: every serial is visited once


def container_numbers(dice: Random) -> Iterator[str]:
    """Distinct ISO 6346 numbers with right check digits, none resting on the discouraged remainder 10.

    Serials of an owner repeat after a million boxes.
    """
    serial = dice.randrange(_SERIALS)
    while True:
        serial = (serial + _STRIDE) % _SERIALS
        first_ten = f"{dice.choice(_OWNERS)}U{serial:06d}"
        number = f"{first_ten}{container_check_digit(first_ten)}"
        if not has_remainder_10(number):
            yield number


def imo_number(dice: Random) -> str:
    """A ship number: six digits, the last = Σ digit · (7…2) mod 10."""
    digits = [9, *(dice.randrange(10) for _ in range(5))]
    check = sum(digit * weight for digit, weight in zip(digits, range(7, 1, -1), strict=True)) % 10
    return "".join(map(str, (*digits, check)))


def truck_plate(dice: Random) -> str:
    """A plate of the Hai Phong series 15 and 16, without its marks."""
    return f"{dice.choice(('15', '16'))}{dice.choice('CHR')}{dice.randrange(10_000, 100_000)}"
