"""Runs every case of tests/golden: records in, and exactly the expected rows, rollups, dead letters and outcomes out."""

import json
import os
from pathlib import Path

import pytest

from tests.support.golden import read_case, run_case

FOLDER = Path(__file__).parent
CASES = sorted(path.parent for path in FOLDER.glob("*/input.jsonl"))
OTHERS = ("__pycache__", "facts")  # facts: cases of folds, with a driver of their own
WRITES = os.environ.get("QUAYSTREAM_TEST_WRITE_GOLDEN") == "1"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_records_become_what_the_case_expects(case: Path) -> None:
    batches = await run_case(read_case(case / "input.jsonl"))
    if WRITES:
        (case / "expected.json").write_text(json.dumps(batches, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert batches == json.loads((case / "expected.json").read_text(encoding="utf-8"))


def test_every_folder_is_a_case() -> None:
    folders = {path for path in FOLDER.iterdir() if path.is_dir() and path.name not in ("__pycache__", "facts")}
    assert folders == set(CASES)
