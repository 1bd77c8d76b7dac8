"""docs/guarantees.md: every promise is linked to a test that tries to break it, and every such test is there."""

import re

import pytest

from tests.support.documents import ROOT, Document

PAGE = Document(ROOT / "docs/guarantees.md")
SECTIONS = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE.text, re.MULTILINE | re.DOTALL)
NOT_PROMISED = "Not guaranteed"
_LINK = re.compile(r"\[(test_\w+)\]\(\.\./(tests/[\w/]+\.py)\)")
LINKS = sorted(set(_LINK.findall(PAGE.text)))


def promises() -> list[tuple[str, str]]:
    """(section, row) of every row of every table of promises."""
    rows = [(name, line) for name, text in SECTIONS for line in text.splitlines() if line.startswith("| ")]
    return [(name, line) for name, line in rows if line != "| promise | shown by |"]


@pytest.mark.parametrize(("name", "file"), LINKS)
def test_the_test_that_is_linked_is_in_that_file(name: str, file: str) -> None:
    assert re.search(rf"def {name}\(", (ROOT / file).read_text(encoding="utf-8"))


def test_every_promise_is_linked_to_a_test() -> None:
    assert len(promises()) > 30
    assert [line for _, line in promises() if not _LINK.search(line.rpartition(" | ")[2])] == []


def test_tests_are_named_by_links_alone() -> None:
    assert re.findall(r"`test_\w+`", PAGE.text) == []
    assert re.findall(r"\[(test_\w+)\]\((?!\.\./tests/[\w/]+\.py\))", PAGE.text) == []


def test_every_section_promises_something_and_the_last_says_what_is_not() -> None:
    names = [name for name, _ in SECTIONS]
    assert names[-1] == NOT_PROMISED
    assert {name for name, _ in promises()} == set(names) - {NOT_PROMISED}


def test_nothing_is_promised_beside_the_tables() -> None:
    """A sentence before a table says what its promises are about; it is linked, or one of these few."""
    beside = [
        paragraph
        for name, text in SECTIONS
        if name != NOT_PROMISED
        for paragraph in text.strip().split("\n\n")
        if not paragraph.startswith("|") and not _LINK.search(paragraph)
    ]
    assert [paragraph.split(":")[0].split(",")[0] for paragraph in beside] == [
        "For every partition",
        "An event sent",
        "What a gateway has said yes to (HTTP's 202",
    ]
