"""The decisions: numbered without a hole, each with its parts, all in the list."""

import re
import tomllib

import pytest

from tests.support.documents import ROOT, Document

FOLDER = ROOT / "docs/adr"
DECISIONS = [Document(path) for path in sorted(FOLDER.glob("[0-9]*.md"))]
PARTS = ["Status", "Context", "Decision", "Consequences", "Rejected alternatives"]


def test_decisions_are_numbered_without_a_hole() -> None:
    numbers = [int(decision.path.name[:4]) for decision in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda d: d.path.stem)
def test_decision_has_its_number_and_parts(decision: Document) -> None:
    assert re.findall(r"^# (\d{4}): ", decision.text, re.MULTILINE) == [decision.path.name[:4]]
    assert re.findall(r"^## (.+)$", decision.text, re.MULTILINE) == PARTS


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda d: d.path.stem)
def test_every_part_of_a_decision_says_something(decision: Document) -> None:
    parts = re.split(r"^## .+$", decision.text, flags=re.MULTILINE)[1:]
    assert [part for part in parts if len(part.strip()) < len("Accepted.")] == []


def test_the_list_has_every_decision_in_order() -> None:
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\)", Document(FOLDER / "README.md").text, re.MULTILINE)
    assert listed == [(decision.path.name[:4], decision.path.name) for decision in DECISIONS]


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for names in project.get("optional-dependencies", {}).values() for name in names]
    packages = [re.split(r"[\[<>=~!; ]", name)[0] for name in (*project["dependencies"], *extras)]
    reasons = Document(FOLDER / "0012-dependencies.md").inline()
    assert sorted(set(packages) - set(reasons)) == []
