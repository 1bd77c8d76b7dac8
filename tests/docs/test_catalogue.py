"""docs/catalogue.md: a row for every fault, each with tests that exist, and a mark exactly at those `make test` leaves out."""

import re

import pytest

from tests.support.documents import ROOT

PAGE = (ROOT / "docs/catalogue.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (\d+) \| (.+) \|$", PAGE, re.MULTILINE))
FILES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
DEFINED = {name for text in FILES.values() for name in re.findall(r"def (test_\w+)\(", text)}
MARKED = {
    name
    for text in FILES.values()
    if re.search(r"^pytestmark = .*pytest\.mark\.chaos", text, re.MULTILINE)
    for name in re.findall(r"def (test_\w+)\(", text)
} | {
    name
    for text in FILES.values()
    for name in re.findall(r"^@pytest\.mark\.chaos\ndef (test_\w+)\(", text, re.MULTILINE)
}


def test_every_fault_has_its_row() -> None:
    assert sorted(map(int, ROWS)) == list(range(1, 26))


@pytest.mark.parametrize("number", sorted(ROWS, key=int))
def test_every_row_names_tests_that_exist_and_marks_those_that_need_a_cluster(number: str) -> None:
    named = re.findall(r"`(test_\w+)`(ᶜ?)", ROWS[number])
    assert named
    assert sorted({name for name, _ in named} - DEFINED) == []
    assert {name for name, mark in named if mark} == {name for name, _ in named} & MARKED


def test_every_marked_test_is_of_some_row_or_judges_the_judge() -> None:
    assert sorted(MARKED - set(re.findall(r"`(test_\w+)`", PAGE))) == ["test_the_ledger_finds_what_is_taken_away"]
