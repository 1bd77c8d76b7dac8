"""Runs every case of tests/golden/facts/{gate,cargo,vessel,cell}: rows of one key in, exactly the expected facts out.

In whatever order the rows come: each case is folded as written, backwards and shuffled.
"""

import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from streams.facts import cargo_visit, cell_alarm, gate_visit, vessel_call
from streams.facts.fact import Fold
from tests.support.facts import rows_of, shown, time_of

FOLDER = Path(__file__).parent
FOLDS: dict[str, Fold] = {
    "gate": gate_visit.fold,
    "cargo": cargo_visit.fold,
    "vessel": vessel_call.fold,
    "cell": cell_alarm.fold,
}
CASES = sorted(path.parent for domain in FOLDS for path in FOLDER.glob(f"{domain}/*/input.json"))
WRITES = os.environ.get("QUAYSTREAM_TEST_WRITE_GOLDEN") == "1"


def facts_of(case: Path, order: str) -> list[dict[str, Any]]:
    given = json.loads((case / "input.json").read_text(encoding="utf-8"))
    rows = rows_of(given["key"], given["rows"])
    for told in rows.values():
        if order == "backwards":
            told.reverse()
        elif order == "shuffled":
            Random(given["key"]).shuffle(told)
    return [shown(fact) for fact in FOLDS[case.parent.name](given["key"], rows, time_of(given["as_of"]))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_rows_become_the_facts_the_case_expects(case: Path) -> None:
    facts = facts_of(case, "as written")
    if WRITES:
        (case / "expected.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert facts == json.loads((case / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("order", ["backwards", "shuffled"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_the_order_in_which_rows_come_does_not_matter(case: Path, order: str) -> None:
    assert facts_of(case, order) == json.loads((case / "expected.json").read_text(encoding="utf-8"))


def test_every_folder_of_these_domains_is_a_case() -> None:
    folders = {path for domain in FOLDS for path in (FOLDER / domain).iterdir() if path.is_dir()}
    assert folders == set(CASES)
