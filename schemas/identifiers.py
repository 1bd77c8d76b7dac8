"""Identifiers of the trade: asset ids, container numbers (ISO 6346), IMO numbers, UN/LOCODEs.

The checks return what is wrong, in words, or None; they never repair.
"""

import re

SUBJECT = re.compile(r"[A-Z]{2}[A-Z2-9]{3}-[A-Z0-9]{2,16}-[A-Z0-9_]{1,32}")
LOCODE = re.compile(r"[A-Z]{2}[A-Z2-9]{3}")

# ISO 6346 annex A: A = 10, counting up and skipping 11, 22 and 33.
_LETTER_VALUES = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (n for n in range(10, 39) if n % 11),
        strict=True,
    )
)


def is_subject(text: str) -> bool:
    """Whether `text` is `<UN/LOCODE>-<terminal or site>-<asset>` (contract section 2)."""
    return SUBJECT.fullmatch(text) is not None


def site_of(subject: str) -> str:
    """The first two parts of a subject: `VNHPH-TANVU-STS03` → `VNHPH-TANVU`."""
    return subject[: subject.index("-", 6)]


def is_locode(text: str) -> bool:
    """Whether `text` has the form of a UN/LOCODE (no 0 or 1 in the place part)."""
    return LOCODE.fullmatch(text) is not None


def container_check_digit(first_ten: str) -> int:
    """The check digit of owner, category and serial (ISO 6346: Σ value·2^i mod 11 mod 10, leftmost i = 0)."""
    total = sum(_character_value(c) << i for i, c in enumerate(first_ten))
    return total % 11 % 10


def _character_value(character: str) -> int:
    return _LETTER_VALUES[character] if character in _LETTER_VALUES else int(character)


def container_problem(number: str) -> str | None:
    """The first failing ISO 6346 rule (`lower_case`, `bad_length`, `bad_owner`, …), or None.

    A remainder of 10 gives digit 0 and passes: issued in practice although the standard advises against it.
    """
    if number != number.upper():
        return "lower_case"
    if len(number) != 11:
        return "bad_length"
    if not re.fullmatch(r"[A-Z]{3}", number[:3]):
        return "bad_owner"
    if number[3] not in "UJZ":
        return "bad_category"
    if not re.fullmatch(r"[0-9]{6}", number[4:10]):
        return "bad_serial"
    expected = container_check_digit(number[:10])
    return None if number[10] == str(expected) else f"bad_check_digit, expected {expected}"


def has_remainder_10(number: str) -> bool:
    """Whether a valid number rests on the discouraged remainder 10 (worth a warning, never a refusal)."""
    return sum(_character_value(c) << i for i, c in enumerate(number[:10])) % 11 == 10


def imo_problem(number: str) -> str | None:
    """What is wrong with an IMO ship number: 7 digits, first not 0, last = Σ d·(7…2) mod 10."""
    if not re.fullmatch(r"[1-9][0-9]{6}", number):
        return "bad_length" if len(number) != 7 else "bad_form"
    expected = sum(int(d) * w for d, w in zip(number[:6], range(7, 1, -1), strict=True)) % 10
    return None if number[6] == str(expected) else f"bad_check_digit, expected {expected}"
