"""Repairs of misread container numbers: the vectors of ISO 6346, and a thousand corrupted numbers against brute force."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from streams.facts.repair import Change, accepted, normalised, proposals

# Written down again, in another way than the product does it.
VALUE = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", [10, *range(12, 22), *range(23, 33), *range(34, 39)], strict=True))
LETTER_FOR = [("0", "O"), ("1", "I"), ("8", "B"), ("5", "S"), ("2", "Z"), ("6", "G")]
DIGIT_FOR = [(letter, digit) for digit, letter in LETTER_FOR] + [("Q", "0"), ("D", "0")]


def is_valid(number: str) -> bool:
    """ISO 6346 by its text: three letters, U, J or Z, six digits, check digit."""
    owner, category, digits = number[:3], number[3:4], number[4:]
    if not (len(number) == 11 and owner.isalpha() and owner.isupper() and category in "UJZ" and digits.isdigit()):
        return False
    total = 0
    for place, character in enumerate(number[:10]):
        total += (int(character) if character.isdigit() else VALUE[character]) * 2**place
    return total % 11 % 10 == int(number[10])


def single_repairs(text: str) -> set[str]:
    """Every valid number one look-alike away from `text`, found by trying all of them."""
    found = set()
    for place in range(len(text)):
        for read, meant in LETTER_FOR if place < 4 else DIGIT_FOR:
            candidate = text[:place] + meant + text[place + 1 :]
            if text[place] == read and is_valid(candidate):
                found.add(candidate)
    return found


def number(dice: Random) -> str:
    """A valid number of any owner."""
    while True:
        stem = "".join(dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3)) + dice.choice("UUUUUUUUJZ")
        stem += f"{dice.randrange(10**6):06d}"
        for digit in "0123456789":
            if is_valid(stem + digit):
                return stem + digit


def look_alike(text: str, dice: Random, times: int = 1) -> str:
    """`times` characters read as look-alikes of the other class, as cameras do."""
    pairs = [
        (at, read) for at, c in enumerate(text) for read, meant in (LETTER_FOR if at < 4 else DIGIT_FOR) if c == meant
    ]
    chosen: dict[int, str] = {}
    for at, read in dice.sample(pairs, len(pairs)):
        if len(chosen) < times:
            chosen.setdefault(at, read)
    for at, read in chosen.items():
        text = text[:at] + read + text[at + 1 :]
    return text


def two_look_alikes(text: str, dice: Random) -> str:
    return look_alike(text, dice, times=2)


def other_digit(text: str, dice: Random) -> str:
    at = dice.randrange(4, 11)
    return text[:at] + dice.choice([d for d in "0123456789" if d != text[at]]) + text[at + 1 :]


def swapped(text: str, dice: Random) -> str:
    at = dice.randrange(4, 10)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def wrong_letter(text: str, dice: Random) -> str:
    """A letter for a digit that is no look-alike of it: what invites a false repair."""
    at = dice.randrange(4, 11)
    return text[:at] + dice.choice("OQDIBSZG") + text[at + 1 :]


def cut(text: str, dice: Random) -> str:
    at = dice.randrange(11)
    return text[:at] + text[at + 1 :]


CORRUPTIONS: list[tuple[Callable[[str, Random], str], int]] = [
    (look_alike, 550),
    (two_look_alikes, 120),
    (other_digit, 120),
    (swapped, 90),
    (wrong_letter, 90),
    (cut, 30),
]


def test_a_thousand_corrupted_numbers() -> None:
    """Every unique single-character repair is found; with the awaited containers, nothing false is accepted."""
    dice, count = Random(6346), Counter[str]()
    for corrupt, times in CORRUPTIONS:
        for _ in range(times):
            meant = number(dice)
            while (read := corrupt(meant, dice)) == meant:  # nothing in it to take for something else
                meant = number(dice)
            awaited = {number(dice) for _ in range(40)} | ({meant} if dice.random() < 0.8 else set())
            repairs, taken = proposals(read, awaited), accepted(read, awaited)
            values, singles = {repair.value for repair in repairs}, single_repairs(read)
            count["corrupted"] += 1
            count["read as a valid number (undetectable)"] += is_valid(read)
            if is_valid(read):
                assert not repairs
                continue
            count["single-character repair exists"] += len(singles) == 1
            if len(singles) == 1:
                assert singles <= values, (meant, read)
                count["… found"] += 1
            assert all(is_valid(value) for value in values)
            count["proposed, and not what was meant"] += sum(value != meant for value in values)
            if taken is not None:
                assert taken.value == meant, (meant, read, taken)
                count["accepted (awaited), right"] += 1
    print("\n" + "\n".join(f"{figure:5,} {name}" for name, figure in count.items()))
    assert count["corrupted"] == 1000
    assert count["… found"] == count["single-character repair exists"] > 500


def test_every_misreading_of_one_character_by_a_look_alike_is_repaired() -> None:
    dice = Random(11)
    for _ in range(300):
        meant = number(dice)
        read = look_alike(meant, dice)
        if read != meant:
            assert [repair.value for repair in proposals(read)] == [meant]


@pytest.mark.parametrize(
    ("read", "meant", "change"),
    [
        ("CSQU3O54383", "CSQU3054383", Change(5, "O", "0")),
        ("C5QU3054383", "CSQU3054383", Change(1, "5", "S")),
        ("CSQU30S4383", "CSQU3054383", Change(6, "S", "5")),
        ("MSKU9D70323", "MSKU9070323", Change(5, "D", "0")),
        ("QSY27123456", "QSYZ7123456", Change(3, "2", "Z")),
    ],
)
def test_a_look_alike_of_the_wrong_class_is_proposed(read: str, meant: str, change: Change) -> None:
    (repair,) = proposals(read)
    assert (repair.original, repair.value, repair.changes) == (read, meant, (change,))


@pytest.mark.parametrize(
    "read",
    [
        "CSQU3054B83",  # 8 read as B, but the simple repair fails its digit (expected 7)
        "CSQU3054384",  # a wrong digit among digits: any of eleven could be meant
        "QSYU1000051",
        "CSQX3054382",  # no category, and X looks like none
        "CSQU3054338",
        "CSQU305438",
        "CSQU30543830",
        "",
        "OOOOOOOOOOO",
    ],
)
def test_what_no_look_alike_explains_has_no_proposal(read: str) -> None:
    assert proposals(read, ["CSQU3054383", "QSYU1000050"]) == ()


@pytest.mark.parametrize(
    "valid", ["CSQU3054383", "MWCU6059784", "MSKU9070323", "HLXU2008419", "MEDU8707688", "QSYU2045188", "QSYJ1000010",
              "QSYZ7123456", "TNVU3507128", "QSYU1000050", "QSYU1050050", "csqu 305438-3"],
)  # fmt: skip
def test_a_container_number_needs_no_repair(valid: str) -> None:
    assert proposals(valid, [valid]) == ()


def test_the_normaliser_drops_spacing_and_the_text_as_read_is_kept() -> None:
    assert normalised(" csqu 305438-3 ") == "CSQU3054383"
    assert normalised("CSQU/305438/3") == "CSQU3054383"
    (repair,) = proposals(" csqu 3o5438-3 ")
    assert (repair.original, repair.value) == (" csqu 3o5438-3 ", "CSQU3054383")


def test_only_an_awaited_container_is_accepted() -> None:
    assert accepted("CSQU3O54383", []) is None
    assert accepted("CSQU3O54383", ["MSKU9070323"]) is None
    taken = accepted("CSQU3O54383", ["MSKU9070323", "csqu 305438-3"])
    assert taken is not None
    assert (taken.value, taken.expected) == ("CSQU3054383", True)


def test_more_than_three_look_alikes_are_a_guess() -> None:
    assert [repair.value for repair in proposals("C5QU3OS4383")] == ["CSQU3054383"]
    assert [repair.value for repair in proposals("CSQU3OS43B3")] == ["CSQU3054383"]
    assert proposals("C5QU3OS43B3") == ()
